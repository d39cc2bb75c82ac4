import { assertEquals } from "@std/assert";
import { runCommand, startCommand } from "./support/fake_streams.ts";

const PAGE = await Deno.readTextFile(new URL("../docs/protocols.md", import.meta.url));

/** Returns the code blocks of a language in a text. */
function blocks(language: string, text: string): string[] {
  return text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)
    .flatMap(([, name, code]) => name === language ? [code!] : []).toArray();
}

/** Returns the words of a command line of `asyncpkt`, of which some are in single quotes. */
function wordsOf(line: string): string[] {
  return line.matchAll(/'([^']*)'|[^\s'\\]+/g).map(([word, quoted]) => quoted ?? word).toArray()
    .slice(1);
}

for (const section of PAGE.split(/^## /m).slice(1)) {
  const examples = blocks("", section);
  if (examples.length === 0) continue;
  const title = section.split("\n")[0];
  Deno.test(`docs/protocols.md shows what commands write: ${title}`, async () => {
    const rules = await Deno.makeTempFile();
    await Deno.writeTextFile(rules, blocks("json", section)[0] ?? "[]");
    const [serve, ...others] = examples.map((example) => {
      const [, line, output] = /^\$ ((?:.*\\\n)*.*)\n([^]*)$/.exec(example)!;
      return {
        args: wordsOf(line!).map((word) => word === "rules.json" ? rules : word),
        output: output!,
      };
    });
    const server = startCommand([...serve!.args, "--port", "0"]);
    const [listening, url] = await server.seen(/^Listening on (\S+)\n/);
    assertEquals(serve!.output, listening.replace(/\d+\n$/, "2707\n"));
    for (const { args, output } of others) {
      const { code, stdout } = await runCommand([...args, "--url", url!]);
      assertEquals(code, 0, args.join(" "));
      if (args[0] === "send") assertEquals(stdout, output);
    }
    server.interrupt();
    assertEquals(await server.exit, 0);
    await Deno.remove(rules);
  });
}
