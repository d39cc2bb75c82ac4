import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { NO_PTY, startOnTerminal } from "../../tests/support/on_terminal.ts";
import { Screen } from "../../tests/support/screen.ts";
import { framesOf, type Output, terminalSvg } from "./terminal_svg.ts";

const SIZE = { columns: 30, rows: 4 };
const OPTIONS = { ...SIZE, duration: 1000, title: "Title", description: "A & B" };

/** An element of an SVG. */
interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** Parses the part of XML that the pictures need. Throws if it is not well-formed. */
function parseXml(xml: string): Element {
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  const tokens = /<(\/?)([a-z]+)((?:\s+[a-zA-Z:-]+="[^<"]*")*)\s*(\/?)>|([^<]+)/gy;
  let end = 0;
  for (const [token, slash, name, list, isEmpty, text] of xml.matchAll(tokens)) {
    end += token.length;
    const parent = open.at(-1)!;
    if (text !== undefined) parent.text += unescapeXml(text);
    else if (slash !== "") assertEquals(open.pop()!.name, name);
    else {
      const pairs = [...list!.matchAll(/([a-zA-Z:-]+)="([^"]*)"/g)];
      const attributes = Object.fromEntries(
        pairs.map(([, key, value]) => [key, unescapeXml(value!)]),
      );
      assertEquals(Object.keys(attributes).length, pairs.length, `repeated attribute: ${token}`);
      const element = { name: name!, attributes, children: [], text: "" };
      parent.children.push(element);
      if (isEmpty === "") open.push(element);
    }
  }
  assertEquals(
    [end, open.length, root.children.length],
    [xml.length, 1, 1],
    xml.slice(end, end + 80),
  );
  return root.children[0]!;
}

function unescapeXml(text: string): string {
  assert(!/&(?!#\d+;)/.test(text), text);
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
}

function* elementsOf(root: Element): Generator<Element> {
  yield root;
  for (const child of root.children) yield* elementsOf(child);
}

/** Reads the screens of a picture back, with their times in percent; a bar fills half cells. */
function screensOf(svg: string, { columns, rows } = SIZE) {
  const root = parseXml(svg);
  const all = [...elementsOf(root)];
  const byId = (id: string) => all.find(({ attributes }) => attributes.id === id)!;
  const style = all.find(({ name }) => name === "style")!.text;
  const moves = [...style.matchAll(/^([\d.]+)%\{transform:translateX\((-?\d+)px\)\}$/gm)];
  const cell = Number(byId("screen").attributes.width) / columns;
  const height = Number(byId("screen").attributes.height) / rows;
  return moves.map(([, percent, x]) => {
    const frame = byId("strip").children
      .find(({ attributes }) => attributes.transform === `translate(${-Number(x)})`)!;
    const cells = Array.from({ length: rows }, () => Array<string>(2 * columns).fill(" "));
    for (const { attributes } of frame.children) {
      const row = cells[Math.floor(Number(attributes.y) / height)]!;
      for (const { name, attributes: at, text } of byId(attributes.href!.slice(1)).children) {
        const [from, length] = name === "path"
          ? /^M([\d.]+)-4.5h([\d.]+)$/.exec(at.d!)!.slice(1).map(Number) as [number, number]
          : [Number(at.x), Number(at.textLength)];
        for (let i = 0; i < 2 * length / cell; i++) {
          row[2 * from / cell + i] = name === "path" ? "█" : text[i >> 1]!;
        }
      }
    }
    const lines = cells.map((row) => {
      const pairs = Array.from({ length: columns }, (_, i) => row[2 * i]! + row[2 * i + 1]!);
      return pairs.map((pair) => pair === "█ " ? "▌" : pair === " █" ? "▐" : pair[0]).join("");
    });
    return {
      percent: Number(percent),
      text: lines.map((line) => line.trimEnd()).join("\n").trimEnd(),
    };
  });
}

Deno.test("the picture has the screens of the output, each at its time", async () => {
  const outputs = [
    { at: 0, text: "$ x < y & z" },
    { at: 100, text: "\n" },
    { at: 101, text: "\x1b[32m▐███▌\x1b[39m  1.2 s  \x1b[31mlate\x1b[39m\n" },
    { at: 450, text: "\x1b[1A\r\x1b[K" },
    { at: 460, text: "\x1b[36m█████ \x1b[39m\n" },
    { at: 700, text: "a\nb\nc" },
  ];
  const frames = await framesOf(outputs, SIZE, 100);
  assertEquals(screensOf(terminalSvg(frames, OPTIONS)), [
    { percent: 0, text: "$ x < y & z" },
    { percent: 10.1, text: "$ x < y & z\n▐███▌  1.2 s  late" },
    { percent: 46, text: "$ x < y & z\n█████" },
    { percent: 70, text: "█████\na\nb\nc" },
  ]);
});

Deno.test({
  name: `the last screen of the picture is that of the recorded program${NO_PTY}`,
  ignore: NO_PTY !== "",
  async fn() {
    const outputs: Output[] = [];
    const script = "printf 'one\\n'; sleep 0.1; printf 'two\\n\\033[32m██▌\\033[0m'";
    await using program = startOnTerminal("/bin/sh", ["-c", script], {
      ...SIZE,
      onOutput: (text) => outputs.push({ at: performance.now(), text }),
    });
    const { text } = await program.result();
    assertEquals(text, "one\ntwo\n██▌");
    const svg = terminalSvg(await framesOf(outputs, SIZE, 1), OPTIONS);
    const screens = screensOf(svg);
    assertEquals(screens.at(-1)!.text, text);
    assert(screens.some(({ text }) => text === "one"));
  },
});

Deno.test("Screen.rows() returns runs with their colors", async () => {
  await using screen = new Screen(10, 2);
  screen.add("x\ny\x1b[32mab\x1b[39m\x1b[3Cc\nd");
  assertEquals(await screen.rows(), [
    [
      { column: 0, text: "y", color: undefined },
      { column: 1, text: "ab", color: 2 },
      { column: 6, text: "c", color: undefined },
    ],
    [{ column: 0, text: "d", color: undefined }],
  ]);
});

Deno.test("docs/demo.svg is small, has no scripts, and ends with all requests answered", async () => {
  const svg = await Deno.readTextFile(new URL("../../docs/demo.svg", import.meta.url));
  assertLess(new TextEncoder().encode(svg).length, 60_000);
  const root = parseXml(svg);
  const names = new Set([...elementsOf(root)].map(({ name }) => name));
  const drawn = ["svg", "title", "desc", "style", "defs", "g", "text", "path", "rect", "use"];
  assertEquals([...names].filter((name) => !drawn.includes(name)), []);
  assert(!/url\(|@import|https?:(?!\/\/www\.w3\.org\/2000\/svg")/.test(svg));
  assertMatch(svg, /^#strip\{transform:translateX\(-\d+px\)\}$/m); // without animation
  const screens = screensOf(svg, { columns: 80, rows: 26 });
  assertMatch(screens.at(-1)!.text, /\n9 requests: 9 answered, 0 failed/);
  assertLess(screens.length, 100);
});
