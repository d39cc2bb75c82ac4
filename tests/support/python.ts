/**
 * Python with the package websockets, if it is installed.
 *
 * @module
 */

/** What the name of a test says that is ignored because there is none. */
export const NO_PYTHON = " (ignored: no python3 here has the package websockets)";

/** Returns the first Python that has websockets, or undefined if none has. */
export async function findPython(): Promise<string | undefined> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    try {
      const args = ["-c", "import websockets"];
      const { success } = await new Deno.Command(python, { args, stderr: "null" }).output();
      if (success) return python;
    } catch {
      // There is no such Python.
    }
  }
  return undefined;
}
