import { assertEquals } from "@std/assert";
import { runCommand, startCommand } from "./support/fake_streams.ts";
import { codeBlocks, consoleExamples, readPage, wordsOf } from "./support/pages.ts";

const PAGE = await readPage("docs/protocols.md");

for (const section of PAGE.split(/^## /m).slice(1)) {
  const examples = consoleExamples(section);
  if (examples.length === 0) continue;
  const title = section.split("\n")[0];
  Deno.test(`docs/protocols.md shows what commands write: ${title}`, async () => {
    const rules = await Deno.makeTempFile();
    const json = codeBlocks(section).find(({ info }) => info === "json");
    await Deno.writeTextFile(rules, json?.text ?? "[]");
    const [serve, ...others] = examples.map(({ line, output }) => ({
      args: wordsOf(line).slice(1).map((word) => word === "rules.json" ? rules : word),
      output,
    }));
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
