/**
 * Packs the executables of a release: an archive for each target, with completions and licenses, and
 * their checksums.
 *
 * Usage: deno task archives EXECUTABLES ARCHIVES
 *
 * EXECUTABLES is a folder with a folder for each target, such as `x86_64-unknown-linux-gnu`, which
 * holds the executable. ARCHIVES is the folder for the result.
 *
 * @module
 */

import project from "../../deno.json" with { type: "json" };
import { dependencyLicenses, run } from "../npm/pack.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Files with the completions, by shell, named as the shells look for them. */
const COMPLETIONS = { bash: "asyncpkt.bash", zsh: "_asyncpkt", fish: "asyncpkt.fish" };

/** Packs all executables, and writes the file `SHA256SUMS`; returns the names of all files. */
export async function packExecutables(executables: string, archives: string): Promise<string[]> {
  const stage = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    await writeCommonFiles(`${stage}/common`);
    await Deno.mkdir(archives, { recursive: true });
    const names: string[] = [];
    for (const { name: target } of Deno.readDirSync(executables)) {
      const folder = `asyncpkt-${project.version}-${target}`;
      await run(ROOT, "cp", "-r", `${stage}/common`, `${stage}/${folder}`);
      await run(ROOT, "cp", "-r", `${executables}/${target}/.`, `${stage}/${folder}`);
      names.push(await pack(stage, folder, archives));
    }
    const sums = await run(archives, "sha256sum", ...names.sort());
    await Deno.writeTextFile(`${archives}/SHA256SUMS`, sums);
    return [...names, "SHA256SUMS"];
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

async function writeCommonFiles(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/completions`, { recursive: true });
  for (const [shell, name] of Object.entries(COMPLETIONS)) {
    const script = await run(ROOT, Deno.execPath(), "run", "main.ts", "completions", shell);
    await Deno.writeTextFile(`${folder}/completions/${name}`, script);
  }
  const license = await Deno.readTextFile(`${ROOT}LICENSE`);
  await Deno.writeTextFile(`${folder}/LICENSE`, license);
  const terms = license.slice(license.indexOf("Permission is hereby granted"));
  const deno = `Deno ${Deno.version.deno}: MIT\n\nCopyright 2018-2026 the Deno authors\n\n${terms}`;
  const others = `${deno}\n${"-".repeat(80)}\n\n${await dependencyLicenses()}`;
  await Deno.writeTextFile(`${folder}/LICENSES`, others);
}

/** Packs a folder; returns the name of the archive. */
async function pack(stage: string, folder: string, archives: string): Promise<string> {
  if (folder.includes("windows")) {
    await run(stage, "zip", "-q", "-r", "-X", `${archives}/${folder}.zip`, folder);
    return `${folder}.zip`;
  }
  await run(stage, "chmod", "755", `${folder}/asyncpkt`); // artifacts of workflows lose this
  if (folder.includes("linux")) {
    await Deno.copyFile(`${ROOT}packaging/asyncpkt.service`, `${stage}/${folder}/asyncpkt.service`);
  }
  const options = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner"];
  await run(stage, "tar", ...options, "-czf", `${archives}/${folder}.tar.gz`, folder);
  return `${folder}.tar.gz`;
}

if (import.meta.main) {
  const [executables, archives] = Deno.args;
  if (executables === undefined || archives === undefined) {
    console.error("Usage: deno task archives EXECUTABLES ARCHIVES");
    Deno.exit(2);
  }
  const [from, to] = await Promise.all([executables, archives].map(absolute));
  for (const name of await packExecutables(from!, to!)) console.log(name);
}

async function absolute(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  return await Deno.realPath(path);
}
