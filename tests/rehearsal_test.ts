import { assertEquals, assertMatch } from "@std/assert";
import { startProgram, startServerProcess } from "./support/program.ts";
import { findPython, NO_PYTHON } from "./support/machine.ts";

const python = await findPython();

/** Returns the code of the one block in a language within a part of docs/rehearsal.md. */
function blockOf(language: string, text: string): string {
  return text.split("```" + language + "\n")[1]!.split("\n```")[0]!;
}

Deno.test({
  name: `the Python client of docs/rehearsal.md gets all answers${python ? "" : NO_PYTHON}`,
  ignore: python === undefined,
  async fn() {
    const docs = await Deno.readTextFile(new URL("../docs/rehearsal.md", import.meta.url));
    const part = docs.split("\n## In another language\n")[1]!.split("\n## ")[0]!;
    const flags = blockOf("sh", part).replace("asyncpkt serve", "").match(/[^\s\\]+/g)!;
    await using server = await startServerProcess(flags);
    const script = blockOf("python", part).replace("ws://127.0.0.1:2707", server.url);
    await using client = startProgram(python!, ["-W", "error", "-c", script]);
    const { code, stdout, stderr } = await client.result();
    assertEquals([code, stderr, stdout.at(-1)], [0, "", "all answered"]);
    assertEquals(stdout.some((line) => line.includes("the connection is gone")), true);
    // How often it does what depends on the order in which the client asks again.
    const said = (await server.stop()).stdout.at(-1)!;
    assertMatch(said, /^Injected faults: .* [1-9]\d* disconnected$/);
    const kinds = (line: string) => line.replace(/\d+/g, "N");
    assertEquals(kinds(said), kinds(/Injected faults: [^`]*/.exec(part)![0]));
  },
});
