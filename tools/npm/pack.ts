/**
 * Builds the npm packages: the library for Node and browsers, and the program, which brings its own
 * Deno.
 *
 * Usage: deno task npm
 *
 * @module
 */

import { existsSync } from "node:fs";
import project from "../../deno.json" with { type: "json" };

const ROOT = new URL("../..", import.meta.url).pathname;

/** The modules of the library that users import. */
const MODULES = ["client", "protocol"];

/** Not in deno.lock, as TypeScript is not: `deno compile` includes all locked packages. */
const ESBUILD = ["npx", "-y", "esbuild@0.28.2"];

/** The command of the TypeScript compiler. */
export const TYPESCRIPT = ["npx", "-y", "-p", "typescript@5.9.3", "tsc"];

/** The version of Deno that the program is packed with. */
const DENO = "2.9.6";

/**
 * Packs the library into a folder, and returns the path of the tarball: the client and the protocol,
 * as JavaScript without dependencies, with types.
 */
export function packLibrary(destination: string): Promise<string> {
  return pack(destination, "docs/library.md", libraryManifest(), async (folder) => {
    const files = MODULES.map((name) => `${name}.ts`);
    // Without `using`, which Node 22 lacks.
    const options = ["--platform=neutral", "--target=es2023", "--alias:@std/async=./links/async"];
    await bundle(folder, files, ...options);
    await declare(folder, files);
  });
}

/**
 * Packs the program into a folder, and returns the path of the tarball: its modules and dependencies
 * in a few files for Deno, the command for Node that starts it, and the module `testing`.
 */
export function packProgram(destination: string): Promise<string> {
  return pack(destination, "docs/fixtures.md", programManifest(), async (folder) => {
    const program = `${folder}/program`;
    const options = "bundle --quiet --frozen --platform deno --code-splitting --outdir".split(" ");
    const entries = ["main.ts", "cluster/threads/worker.ts"];
    await run(ROOT, Deno.execPath(), ...options, program, ...entries);
    await rewrite(program, /\.js$/, relink);
    await Deno.writeTextFile(`${program}/LICENSES`, await dependencyLicenses());
    await bundle(folder, ["npm/bin.ts", "npm/testing.ts"], "--platform=node", "--target=node22");
    await declare(`${folder}/types`, ["npm/testing.ts"]);
  });
}

async function pack(
  destination: string,
  readme: string,
  manifest: object,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    await build(folder);
    await Deno.copyFile(`${ROOT}LICENSE`, `${folder}/LICENSE`);
    await Deno.copyFile(`${ROOT}${readme}`, `${folder}/README.md`);
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest, null, 2) + "\n");
    const name = await run(folder, "npm", "pack", "--silent", "--pack-destination", destination);
    return `${destination}/${name.trim()}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns the repository of a workflow: npm refuses a provenance that names another. */
function repository(): object {
  const name = Deno.env.get("GITHUB_REPOSITORY");
  if (name === undefined) return {};
  return { repository: { type: "git", url: `git+https://github.com/${name}.git` } };
}

function libraryManifest() {
  const entry = (name: string) => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
  return {
    name: project.name,
    version: project.version,
    description: "Client and protocol of asyncpkt, which answers packets late and out of order",
    license: project.license,
    ...repository(),
    type: "module",
    sideEffects: false,
    engines: { node: ">=22" },
    exports: {
      ".": entry("client"),
      ...Object.fromEntries(MODULES.map((name) => [`./${name}`, entry(name)])),
    },
  };
}

function programManifest() {
  return {
    name: "asyncpkt",
    version: project.version,
    description: "A WebSocket server that answers late and out of order, to test clients",
    license: project.license,
    ...repository(),
    type: "module",
    engines: { node: ">=22" },
    bin: "./bin.js",
    exports: {
      "./testing": { types: "./types/npm/testing.d.ts", default: "./testing.js" },
    },
    dependencies: { deno: DENO },
    preferUnplugged: true, // Deno reads no modules in the archives of Yarn
  };
}

/** Writes a file for each module, and files that they share. */
async function bundle(folder: string, files: readonly string[], ...options: string[]) {
  const always = ["--bundle", "--splitting", "--format=esm", "--log-level=warning"];
  await run(ROOT, ...ESBUILD, ...always, ...options, `--outdir=${folder}`, ...files);
}

/** Writes the types without a check, since `deno check` has checked them. */
async function declare(folder: string, files: readonly string[]) {
  const options = [
    "--declaration --emitDeclarationOnly --noCheck --allowImportingTsExtensions --strict",
    "--exactOptionalPropertyTypes --module esnext --moduleResolution bundler --target esnext",
  ].join(" ").split(" ");
  await run(ROOT, ...TYPESCRIPT, ...options, "--rootDir", ROOT, "--outDir", folder, ...files);
  await rewrite(folder, /\.d\.ts$/, (text) => text.replace(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
}

/** Changes the text of files in a folder and its subfolders. */
async function rewrite(folder: string, names: RegExp, change: (text: string) => string) {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await rewrite(path, names, change);
    else if (names.test(name)) {
      await Deno.writeTextFile(path, change(await Deno.readTextFile(path)));
    }
  }
}

/** Returns the licenses of the packages that are bundled with the program. */
export async function dependencyLicenses(): Promise<string> {
  const { npm } = JSON.parse(await Deno.readTextFile(`${ROOT}runtime.lock`));
  const { npmCache } = JSON.parse(await run(ROOT, Deno.execPath(), "info", "--json"));
  const registries = Array.from(Deno.readDirSync(npmCache), ({ name }) => `${npmCache}/${name}`);
  const texts = Object.keys(npm).map((spec) => {
    const [, name, version] = /^(.+)@(.+)$/.exec(spec)!;
    const paths = registries.map((registry) => `${registry}/${name}/${version}`);
    const path = paths.find((path) => existsSync(path))!;
    const { license } = JSON.parse(Deno.readTextFileSync(`${path}/package.json`));
    const file = `${path}/LICENSE`;
    const text = existsSync(file) ? "\n" + Deno.readTextFileSync(file) : "";
    return `${name} ${version}: ${license}\n${text}`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** Corrects the URLs of the program's modules, which the bundler has moved but not changed. */
function relink(text: string): string {
  return text
    .replace('new URL("../main.ts", import.meta.url)', 'new URL("./main.js", import.meta.url)')
    .replace('new URL("./worker.ts", import', 'new URL("./cluster/threads/worker.js", import');
}

/**
 * Runs a program in a folder, and returns its stdout.
 *
 * @throws {Error} with stdout and stderr, if the program fails.
 */
export async function run(cwd: string, ...[command, ...args]: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command!, { args, cwd }).output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success) return out!;
  throw new Error(`${command} ${args.join(" ")}\n${out}${errors}`);
}

if (import.meta.main) {
  const root = ROOT.slice(0, -1);
  for (const tarball of await Promise.all([packLibrary(root), packProgram(root)])) {
    console.log(tarball);
  }
}
