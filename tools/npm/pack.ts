/**
 * Builds the npm package for Node and browsers: the client and the protocol, as JavaScript without
 * dependencies, with types. The server runs only on Deno.
 *
 * Usage: deno task npm
 *
 * @module
 */

import project from "../../deno.json" with { type: "json" };

const ROOT = new URL("../..", import.meta.url).pathname;

/** The modules that users import. */
const MODULES = ["client", "protocol"];

const FILES = MODULES.map((name) => `${name}.ts`);

/** Not in deno.lock, as TypeScript is not: `deno compile` includes all locked packages. */
const ESBUILD = ["npx", "-y", "esbuild@0.28.2"];

/** The command of the TypeScript compiler. */
export const TYPESCRIPT = ["npx", "-y", "-p", "typescript@5.9.3", "tsc"];

/** Packs the package into a folder, and returns the path of the tarball. */
export async function pack(destination: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    await bundle(folder);
    await declare(folder);
    await Deno.copyFile(`${ROOT}LICENSE`, `${folder}/LICENSE`);
    await Deno.copyFile(`${ROOT}docs/library.md`, `${folder}/README.md`);
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest(), null, 2) + "\n");
    const name = await run(folder, "npm", "pack", "--silent", "--pack-destination", destination);
    return `${destination}/${name.trim()}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function manifest(): Record<string, unknown> {
  const entry = (name: string) => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
  return {
    name: project.name,
    version: project.version,
    description: "Client and protocol of asyncpkt, which answers packets late and out of order",
    license: project.license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=22" },
    exports: {
      ".": entry("client"),
      ...Object.fromEntries(MODULES.map((name) => [`./${name}`, entry(name)])),
    },
  };
}

/** Writes a file for each module and one that they share, without `using`, which Node 22 lacks. */
async function bundle(folder: string): Promise<void> {
  const options = [
    "--bundle --splitting --format=esm --platform=neutral --target=es2023 --log-level=warning",
    "--alias:@std/async=./links/async",
  ].join(" ").split(" ");
  await run(ROOT, ...ESBUILD, ...options, `--outdir=${folder}`, ...FILES);
}

/** Writes the types without a check, since `deno check` has checked them. */
async function declare(folder: string): Promise<void> {
  const options = [
    "--declaration --emitDeclarationOnly --noCheck --allowImportingTsExtensions --strict",
    "--exactOptionalPropertyTypes --module esnext --moduleResolution bundler --target esnext",
  ].join(" ").split(" ");
  await run(ROOT, ...TYPESCRIPT, ...options, "--rootDir", ROOT, "--outDir", folder, ...FILES);
  for (const path of ["", ...MODULES.map((name) => `/${name}`)].map((name) => folder + name)) {
    for (const { name } of Deno.readDirSync(path)) {
      if (!name.endsWith(".d.ts")) continue;
      const text = Deno.readTextFileSync(`${path}/${name}`);
      const imported = text.replace(/(from "\.[^"]*)\.ts"/g, '$1.js"');
      Deno.writeTextFileSync(`${path}/${name}`, imported);
    }
  }
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

if (import.meta.main) console.log(await pack(ROOT.slice(0, -1)));
