/**
 * Programs that may be installed or not.
 *
 * @module
 */

/** Where the first of some programs is that is there; undefined if none is. */
export function findProgram(...names: string[]): string | undefined {
  // Not everybody's PATH has what is mostly for root.
  const folders = [...Deno.env.get("PATH")?.split(":") ?? [], "/usr/sbin"];
  return names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
