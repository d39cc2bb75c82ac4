/**
 * What the scripts of this folder have in common: flags as the program's commands read them.
 *
 * @module
 */

import { Exit, UsageError } from "../../cli/command.ts";
import { flagHelp, type FlagTable, type FlagValues, readFlags, toggle } from "../../cli/flags.ts";

/** Reads the command line of a script; for `--help`, and for one that is wrong, ends the process. */
export function scriptFlags<T extends FlagTable>(
  task: string,
  does: string,
  table: T,
): FlagValues<T> {
  const all = { ...table, help: toggle("shows this") };
  const help = `${does}\n\nUsage: deno task ${task} [flags]\n\n${flagHelp(all)}`;
  try {
    const flags = readFlags(all, Deno.args);
    if (flags._.length > 0) throw new UsageError(`it takes no ${JSON.stringify(flags._[0])}`);
    if (!flags.help) return flags as FlagValues<T>;
    console.log(help);
    Deno.exit(Exit.ok);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${task}: ${error.message}\n\n${help}`);
    Deno.exit(Exit.usage);
  }
}
