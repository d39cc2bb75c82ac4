import { assertEquals, assertStringIncludes } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { run } from "../npm/pack.ts";
import { packExecutables } from "./archives.ts";

const LINUX = "x86_64-unknown-linux-gnu";
const WINDOWS = "x86_64-pc-windows-msvc";

/** Whether there is a program. */
async function exists(program: string): Promise<boolean> {
  return await run(".", "which", program).then(() => true, () => false);
}

const ignore = !await exists("zip") || !await exists("unzip");

Deno.test({
  name: `packExecutables() packs executables, completions and licenses, and their checksums${
    ignore ? " (ignored: there is no zip, or no unzip)" : ""
  }`,
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
    try {
      for (const path of [`${LINUX}/asyncpkt`, `${WINDOWS}/asyncpkt.exe`]) {
        await Deno.mkdir(`${folder}/executables/${path}/..`, { recursive: true });
        await Deno.writeTextFile(`${folder}/executables/${path}`, "#!/bin/sh\necho runs\n");
      }
      const names = await packExecutables(`${folder}/executables`, `${folder}/archives`);
      const [linux, windows] = [LINUX, WINDOWS].map((name) =>
        `asyncpkt-${project.version}-${name}`
      );
      assertEquals(names, [`${windows}.zip`, `${linux}.tar.gz`, "SHA256SUMS"]);

      await run(`${folder}/archives`, "sha256sum", "--check", "SHA256SUMS");
      await run(folder, "tar", "-xf", `archives/${linux}.tar.gz`);
      await run(folder, "unzip", "-q", `archives/${windows}.zip`);
      const common = ["LICENSE", "LICENSES", "completions"];
      const unix = [...common, "asyncpkt", "asyncpkt.service"];
      assertEquals(filesIn(`${folder}/${linux}`), unix.sort());
      assertEquals(filesIn(`${folder}/${windows}`), [...common, "asyncpkt.exe"].sort());
      assertEquals(await run(folder, `${folder}/${linux}/asyncpkt`), "runs\n");
      const completions = `${folder}/${linux}/completions`;
      assertEquals(filesIn(completions), ["_asyncpkt", "asyncpkt.bash", "asyncpkt.fish"]);
      assertStringIncludes(
        await Deno.readTextFile(`${completions}/_asyncpkt`),
        "#compdef asyncpkt",
      );
      const licenses = await Deno.readTextFile(`${folder}/${linux}/LICENSES`);
      for (const name of ["Deno ", "@nats-io/nats-core ", "hdr-histogram-js "]) {
        assertStringIncludes(licenses, name);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

function filesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}
