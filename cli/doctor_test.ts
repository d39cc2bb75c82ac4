import { assertEquals, assertStringIncludes } from "@std/assert";
import { startProgram } from "../tests/support/program.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** Runs the command with some permissions; returns what it shows, by name. */
async function doctor(permissions: string[]): Promise<Record<string, string>> {
  const args = ["run", "--no-prompt", ...permissions, "main.ts", "doctor"];
  await using program = startProgram(Deno.execPath(), args, {
    ASYNCPKT_TOKEN: "s3cret",
    TERM: "xterm",
  });
  const { code, stdout, stderr } = await program.result();
  assertEquals([code, stderr], [0, ""]);
  return Object.fromEntries(stdout.map((line) => line.split(/: +/)));
}

Deno.test("doctor shows the machine and the permissions, never the token", async () => {
  const { platform, deno, port, ...facts } = await doctor(["--allow-net", "--allow-env"]);
  const project = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  assertStringIncludes(platform!, Deno.build.arch);
  assertEquals(deno, `${Deno.version.deno}, V8 ${Deno.version.v8}`);
  assertEquals(facts, {
    version: project.version,
    program: `${ROOT}main.ts`,
    terminal: "none; TERM xterm",
    permissions: "--allow-net --allow-env",
    token: "ASYNCPKT_TOKEN is set",
  });
  assertStringIncludes(port!, "2707 is ");
});

Deno.test("doctor reports whether the port is free, and the permission for it alone", async () => {
  let listener: Deno.Listener | undefined;
  try {
    listener = Deno.listen({ hostname: "127.0.0.1", port: 2707 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
  }
  using _ = listener;
  const permissions = ["--allow-net=127.0.0.1:2707", "--allow-env=TERM"];
  const facts = await doctor(permissions);
  assertEquals(facts.port, "2707 is in use");
  assertEquals(facts.permissions, permissions.join(" "));
});

Deno.test("doctor runs without permissions", async () => {
  const { port, token, terminal, permissions } = await doctor([]);
  assertEquals([port, token, terminal, permissions], [
    "2707 may not be tried",
    "ASYNCPKT_TOKEN may not be read",
    "none; TERM may not be read",
    "none",
  ]);
});
