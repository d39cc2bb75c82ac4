import { assertEquals, assertMatch } from "@std/assert";
import project from "../deno.json" with { type: "json" };
import { freePort } from "./support/machine.ts";
import { listening, startProgram } from "./support/program.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const PACKAGE = "jsr:@asyncpkt/asyncpkt/cli";

/** Runs this Deno to its end in the root of the project; returns both its outputs. */
async function deno(args: string[], env: Record<string, string> = {}): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env });
  const { success, stdout, stderr } = await command.output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  assertEquals(success, true, said);
  return said;
}

/** Returns the paths of the files that `deno publish` would send, from the root. */
async function publishedFiles(): Promise<string[]> {
  const said = await deno(["publish", "--dry-run", "--allow-dirty", "--no-check"]);
  return [...said.matchAll(/^ *file:\/\/(\/.*) \(.*\)$/gm)]
    .map(([, path]) => decodeURIComponent(path!).replace(ROOT, ""))
    .filter((path) => path !== ".git"); // in a worktree, a file
}

/** Resolves imports by the names in deno.json, as `deno publish` does. */
function resolveImports(source: string): string {
  return source.replace(/(\b(?:from|import\()\s*")([^."][^"]*)"/g, (whole, before, specifier) => {
    const [name, target] = Object.entries(project.imports)
      .find(([name]) => `${specifier}/`.startsWith(`${name}/`)) ?? [];
    return name === undefined ? whole : `${before}${target}${specifier.slice(name.length)}"`;
  });
}

/** A package as JSR serves it: its manifest, and its files by path. */
async function readPackage(folder: string, paths: readonly string[]) {
  const { name, version, exports } = JSON.parse(await Deno.readTextFile(`${folder}/deno.json`));
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const path of paths) {
    const bytes = await Deno.readFile(`${folder}/${path}`);
    const file = /\.ts$/.test(path)
      ? new TextEncoder().encode(resolveImports(new TextDecoder().decode(bytes)))
      : bytes;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
    files[`/${name}/${version}/${path}`] = file;
    manifest[`/${path}`] = { size: file.length, checksum: `sha256-${hash.toHex()}` };
  }
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  return {
    ...files,
    [`/${name}/meta.json`]: json({ versions: { [version]: {} } }),
    [`/${name}/${version}_meta.json`]: json({ manifest, exports }),
  };
}

const TYPES: Record<string, string> = { ts: "text/typescript", json: "application/json" };

/** Serves what would be published, and the stand-in for `@std/async`, as JSR does. */
async function startRegistry() {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    ...await readPackage(ROOT, await publishedFiles()),
    ...await readPackage(`${ROOT}links/async`, ["deadline.ts", "delay.ts"]),
  };
  const registry = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    const path = new URL(url).pathname;
    const file = files[path];
    if (file === undefined) return new Response("not found", { status: 404 });
    const type = TYPES[path.replace(/.*\./, "")] ?? "text/plain";
    return new Response(file, { headers: { "content-type": type } });
  });
  const { denoDir } = JSON.parse(await deno(["info", "--json"]));
  await Deno.mkdir(`${folder}/cache`);
  await Deno.symlink(`${denoDir}/npm`, `${folder}/cache/npm`);
  return {
    folder,
    env: {
      JSR_URL: `http://127.0.0.1:${registry.addr.port}/`,
      DENO_DIR: `${folder}/cache`,
      DENO_NO_UPDATE_CHECK: "1",
    },
    async [Symbol.asyncDispose]() {
      await registry.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Returns the permissions of each command that docs/install.md names, with another port. */
async function documentedPermissions(port: number): Promise<Record<string, string[]>> {
  const page = await Deno.readTextFile(`${ROOT}docs/install.md`);
  const rows = [...page.matchAll(/^\| (`\w+`.*?) +\| (none|`--allow.*`) +\|$/gm)];
  return Object.fromEntries(
    rows.flatMap(([, commands, flags]) =>
      [...commands!.matchAll(/\w+/g)].map(([command]) => [
        command,
        flags === "none" ? [] : flags!.slice(1, -1).replace("2707", `${port}`).split(" "),
      ])
    ),
  );
}

Deno.test("the program runs and installs from JSR", async () => {
  await using registry = await startRegistry();
  const { folder, env } = registry;
  const run = ["run", "--quiet", "--no-config", "--no-prompt"];
  const start = (...args: string[]) => startProgram(Deno.execPath(), [...run, ...args], env);
  const version = await deno([...run, PACKAGE, "--version"], env);
  assertMatch(version, /^asyncpkt \d\S* \(Deno \d\S*, V8 \d\S*\)\n$/);

  const port = freePort();
  const allow = await documentedPermissions(port);
  const startCommand = (name: string, ...args: string[]) =>
    start(...allow[name]!, PACKAGE, name, ...args);
  await using server = await listening(startCommand("serve", `--port=${port}`, "--delay=0"));
  const url = `--url=ws://localhost:${port}`;
  const commands = {
    send: [url, "a&&b&&c"],
    bench: [url, "--requests=1"],
    health: [url],
    plan: ["--seed=7", "a"],
    convert: [],
    completions: ["bash"],
    doctor: [],
    help: [],
    demo: [],
  };
  assertEquals(Object.keys(allow).sort(), [...Object.keys(commands), "serve", "work"].sort());
  await Promise.all(
    Object.entries(commands).map(async ([name, args]) => {
      await using program = startCommand(name, ...args);
      if (name === "convert") await program.endInput();
      const { code, stderr } = await program.result();
      assertEquals(code, 0, `${name}: ${stderr}`);
    }),
  );
  assertEquals((await server.stop()).code, 0);

  await using refused = start(PACKAGE, "serve", `--port=${port}`);
  const [, remedy] = (await refused.result()).stderr.split("\n");
  const flags = `--no-prompt --allow-net=127.0.0.1:${port} --allow-env=ASYNCPKT_TOKEN,TERM`;
  const name = `jsr:${project.name}@${project.version}/cli`;
  assertMatch(remedy!, new RegExp(` run ${flags} ${name} serve --port=${port}$`));

  if (Deno.build.os === "linux") {
    const flags = ["--allow-net=127.0.0.1", "--unstable-net", PACKAGE];
    await using workers = await listening(start(...flags, "serve", "--port=0", "--workers=2"));
    assertEquals((await workers.stop()).code, 0);
  }

  await deno(["install", "--global", "--root", folder, "-n", "asyncpkt", PACKAGE], env);
  await Deno.symlink(Deno.execPath(), `${folder}/bin/deno`);
  const PATH = `${folder}/bin:${Deno.env.get("PATH")}`;
  await using installed = startProgram(`${folder}/bin/asyncpkt`, ["--version"], { ...env, PATH });
  assertEquals((await installed.result()).stdout, [version.trim()]);
});
