import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { runCommand } from "../../tests/support/fake_streams.ts";
import { escapeControls } from "./escape.ts";

Deno.test("escapeControls() escapes control, invisible and reordering characters", () => {
  const ranges = [
    ...[[0x00, 0x1f], [0x7f, 0x9f]], // controls
    ...[[0x61c, 0x61c], [0x200e, 0x200f], [0x202a, 0x202e], [0x2066, 0x2069]], // directions
    ...[[0x2028, 0x2029]], // separators of lines
    ...[[0xad, 0xad], [0x34f, 0x34f], [0x180b, 0x180f], [0x200b, 0x200d]], // zero width
    ...[[0x2060, 0x2065], [0xfe00, 0xfe0f], [0xfeff, 0xfeff], [0xfff9, 0xfffb]],
    ...[[0x115f, 0x1160], [0x17b4, 0x17b5], [0x3164, 0x3164], [0xffa0, 0xffa0]],
    ...[[0x1d173, 0x1d17a], [0xe0001, 0xe0001], [0xe0020, 0xe007f], [0xe0100, 0xe01ef]],
    ...[[0xd800, 0xdfff]], // lone surrogates
  ] as [number, number][];
  for (const [first, last] of ranges) {
    for (let point = first; point <= last; point++) {
      const character = String.fromCodePoint(point);
      const escapes = character.split("").map((unit) =>
        `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
      );
      assertStrictEquals(escapeControls(`a${character}b`), `a${escapes.join("")}b`);
    }
  }
});

Deno.test("escapeControls() returns other text unchanged", () => {
  const texts = [
    ...["", " ~", 'plain "text" \\ \\n', "é€😀 ß مرحبا שלום 日本語 हिन्दी 🇩🇪 e\u0301\u20e3"],
    ...["\u00a0\u3000\u2800\ufffd\ue000\u{10ffff}"],
  ];
  for (const text of texts) assertStrictEquals(escapeControls(text), text);
});

Deno.test("escapeControls() escapes every occurrence", () => {
  assertStrictEquals(
    escapeControls("\x1b[31mred\x1b[0m\r\n\x9b2J\u202egnirts\u200b"),
    "\\u001b[31mred\\u001b[0m\\u000d\\u000a\\u009b2J\\u202egnirts\\u200b",
  );
});

Deno.test("escapeControls() keeps the value of JSON", () => {
  for (let point = 0; point <= 0x10ffff; point += point < 0xffff ? 1 : 17) {
    const json = JSON.stringify([String.fromCodePoint(point)]);
    const escaped = escapeControls(json);
    assertEquals(JSON.parse(escaped), JSON.parse(json));
    assertMatch(escaped, /^[^\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]*$/u);
  }
});

/** Clears the screen, sets its title, reverses text, and hides. */
const evil = "\x1b[2J\x1b]0;x\x07\x9b\r\b\u202e\u200b\u{e0041}\ufeff";

Deno.test("main() escapes its arguments in its output", async () => {
  const commands = [
    [evil],
    [`--${evil}`],
    ["help", evil],
    ["completions", evil],
    ["convert", evil],
    ["plan", evil],
    ["plan", "--delay", "0", evil, `{${evil}`],
    ["plan", "--delay", "0", "--json", evil, `{${evil}`],
    ["demo", evil],
    ...["serve", "send", "bench", "work"].flatMap((name) => [
      [name, `--${evil}`],
      [name, `--${evil}=1`],
      [name, `-${evil}`],
    ]),
    ["serve", evil],
    ["bench", evil],
    ["work", evil],
    ...["port", "delay", "seed", "fault", "workers", "log-format", "max-packet-size"].map((
      flag,
    ) => [
      ...["serve", `--${flag}`, evil],
    ]),
    ["serve", "--hostname", `x${evil}`],
    ["serve", "--record", `/nonexistent/${evil}`],
    ["serve", "--token-file", `/nonexistent/${evil}`],
    ["serve", "--allow-origin", evil],
    ["serve", "--cert", evil, "--key", evil],
    ["serve", "--nats", evil],
    ["serve", "--nats", "nats://127.0.0.1:1", "--nats-creds", evil],
    ["work", "--nats", "nats://127.0.0.1:1", "--nats-prefix", evil],
    ["send", "--url", evil, "x"],
    ["send", "--url", `ws://127.0.0.1:1/${evil}`, "x"],
    ["send", "--url", `ws://${evil}`, "x"],
    ["send", "--file", evil],
    ["send", "--replay", evil],
    ["send", "--speed", evil, "x"],
    ["send", "--concurrency", evil, "x"],
    ["send", "--ca", evil, "x"],
    ["bench", "--url", `ws://127.0.0.1:1/${evil}`],
    ["bench", "--url", evil],
    ["bench", "--threshold", evil],
    ["bench", "--file", evil],
  ];
  for (const args of commands) {
    const { code, stdout, stderr } = await runCommand(args);
    assert(code !== 0 || args[0] === "help", args.join(" "));
    // deno-lint-ignore no-control-regex -- they are what is looked for
    assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\p{Cf}]/u.test(stdout + stderr), stdout + stderr);
  }
});
