/**
 * The parser of AsyncAPI's makers, in a process of its own. It is not in deno.lock: `deno compile` puts
 * all that is locked into the program, and this is 25 MB.
 *
 * @module
 */

const PROGRAM = `
import { Parser } from "npm:@asyncapi/parser@3.6.3";
const { diagnostics } = await new Parser().parse(await Deno.readTextFile(Deno.args[0]));
console.log(JSON.stringify(diagnostics));
`;

/** What the parser has to say of a document; 0 stands for an error, 1 for a warning. */
export interface Diagnostic {
  severity: number;
  message: string;
  path: (string | number)[];
}

/** Reads a document, and resolves to what the parser finds. */
export async function diagnose(path: string): Promise<Diagnostic[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "--allow-env", `--allow-read=${path}`, "-", path],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  await new Response(PROGRAM).body!.pipeTo(child.stdin);
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
