/**
 * Command lines of scripts.
 *
 * @module
 */

import { Exit, UsageError } from "../../cli/exit.ts";
import { flagHelp, type FlagTable, type FlagValues, readFlags, toggle } from "../../cli/flags.ts";

/** Reads the flags of a script that `deno task` runs; exits on `--help` and on wrong usage. */
export function scriptFlags<T extends FlagTable>(
  task: string,
  does: string,
  table: T,
): FlagValues<T> {
  const all = { ...table, help: toggle("shows this") };
  const help = `${does}\n\nUsage: deno task ${task} [flags]\n\n${flagHelp(all)}`;
  try {
    const flags = readFlags(all, Deno.args);
    if (flags._.length > 0) throw new UsageError(`unexpected argument "${flags._[0]}"`);
    if (!flags.help) return flags as FlagValues<T>;
    console.log(help);
    Deno.exit(Exit.ok);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${task}: ${error.message}; try deno task ${task} --help`);
    Deno.exit(Exit.usage);
  }
}
