/**
 * Puts the console into a module, {@link file://../../server/console_assets.ts}, so that the server has it
 * without reading files, in whatever way it is run.
 *
 * Usage: deno task build:console
 *
 * @module
 */

const HERE = new URL("../../console/", import.meta.url);

/** Where the module is. */
export const TARGET = new URL("../server/console_assets.ts", HERE);

/** What a browser asks for, and from what that is made. */
const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ["/", "console.html", "text/html; charset=utf-8"],
  ["/console.css", "console.css", "text/css; charset=utf-8"],
  ["/console.js", "console.ts", "text/javascript; charset=utf-8"],
  ["/console.svg", "console.svg", "image/svg+xml"],
];

const HEAD = `// Made by \`deno task build:console\` from the folder console: change it there.

/**
 * The console, as a browser asks for it.
 *
 * @module
 */

/** What is at a path. */
export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly text: string;
}

/** What there is, by path. */
export const ASSETS: Readonly<Record<string, Asset>> = {
`;

/** The text of the module. */
export async function buildAssets(): Promise<string> {
  const assets = await Promise.all(FILES.map(async ([path, file, type]) => {
    const text = file.endsWith(".ts")
      ? await bundle(file)
      : await Deno.readTextFile(new URL(file, HERE));
    const etag = JSON.stringify(await hash(text));
    return `  ${JSON.stringify(path)}: {
    type: ${JSON.stringify(type)},
    etag: ${JSON.stringify(etag)},
    text: \`${text.replace(/[\\`]|\$\{/g, "\\$&")}\`,
  },
`;
  }));
  return `${HEAD}${assets.join("")}};\n`;
}

async function bundle(file: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--frozen", "--platform", "browser", file],
    cwd: HERE,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}

async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toHex().slice(0, 16);
}

if (import.meta.main) await Deno.writeTextFile(TARGET, await buildAssets());
