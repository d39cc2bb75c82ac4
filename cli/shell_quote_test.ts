import { assertEquals, assertStrictEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { escapeControls } from "./terminal/escape.ts";
import { shellQuote } from "./permissions.ts";

const WORDS = [
  ...["", "a", "--port=0", "a=b", "=ls", "~", "~root", "-", "--", "a,b", "a:b@c", "%1", "^a^b"],
  ..."!#$&*()[]{}<>|;?'\"`\\ ".split(""),
  ..."'' ' '' \"'\" \\' '\\'' $'x' $(id) `id` ${HOME} [::1]:0 a&&b {a,b} !!".split(" "),
  ...[
    "two words",
    "a\nb",
    "\t",
    "\x1b[31m",
    "\x7f",
    "it's\n\\",
    "é€😀",
    "\u202e\ufeff'",
    "\x01234",
  ],
];

const SEED = 7;

/** Random words. Arguments hold neither NUL nor lone surrogates. */
const RANDOM = fc.sample(
  fc.string({ unit: "binary", maxLength: 20 }).map((word) => word.replaceAll("\0", "")),
  { numRuns: 500, seed: SEED },
);

/** Returns the arguments that a shell reads from quoted words. */
async function readBy(shell: string, words: string[]): Promise<string[]> {
  const script = `printf '%s\\0' ${words.map(shellQuote).join(" ")}`;
  const args = shell === "zsh" ? ["-f", "-c", script] : ["-c", script];
  const { stdout } = await new Deno.Command(shell, { args }).output();
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout).split("\0").slice(0, -1);
}

async function isThere(shell: string): Promise<boolean> {
  return await new Deno.Command(shell, { args: ["-c", "true"] }).output().then(
    () => true,
    () => false,
  );
}

for (const shell of ["bash", "zsh", "sh"]) {
  const isMissing = !await isThere(shell);
  Deno.test({
    name: `shellQuote() quotes words for ${shell}${
      isMissing ? ` (ignored: no ${shell} here)` : ""
    }`,
    ignore: isMissing,
    async fn() {
      // Many versions of sh lack the quotes $'…'.
      const words = [...WORDS, ...RANDOM].filter((word) =>
        shell !== "sh" || escapeControls(word) === word
      );
      assertEquals(await readBy(shell, words), words, `seed ${SEED}`);
    },
  });
}

Deno.test("shellQuote() returns plain words unchanged, and no control characters", () => {
  for (const word of ["serve", "--port", "0.0.0.0:2707", "/tmp/a-b_c.d", "npx", "deno@2.9.6"]) {
    assertStrictEquals(shellQuote(word), word);
  }
  for (const word of [...WORDS, ...RANDOM]) {
    const quoted = shellQuote(word);
    assertStrictEquals(escapeControls(quoted), quoted);
  }
});
