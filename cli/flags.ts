/**
 * Flags: one table for each command says what there is, reads it, and makes the help.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "./exit.ts";
import { closestString } from "./closest_string.ts";

/** A flag: how it is shown in the help, and how its text becomes a value. */
export interface Flag<T> {
  /** What stands for the value in the help, such as `SECONDS`; a flag without one is on or off. */
  readonly placeholder?: string;
  /** What it does, in a line. */
  readonly help: string;
  /** The value where the flag is not given. */
  readonly default: T;
  /** Reads the value; throws a RangeError that says what would be right. */
  readonly parse: (text: string) => T;
  /** One letter that stands for its name, as in `-c 10`. */
  readonly short?: string;
  /** Whether it can be repeated; the value is then a list. */
  readonly many?: boolean;
}

/** The flags of a command by name. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** What a command line says: the value of each flag, and what belongs to no flag. */
export type FlagValues<T extends FlagTable> =
  & { [Name in keyof T]: T[Name] extends Flag<infer Value> ? Value : never }
  & { readonly _: readonly string[] };

/** A flag that is on or off. */
export function toggle(help: string): Flag<boolean> {
  return { help, default: false, parse: () => true };
}

/** A flag that takes a text. */
export function text<T extends string | undefined>(
  placeholder: string,
  help: string,
  byDefault: T,
): Flag<string | T> {
  return { placeholder, help, default: byDefault, parse: (given) => given };
}

/** A flag that takes an integer of a range; both ends included. */
export function integer<T extends number | undefined>(
  placeholder: string,
  help: string,
  byDefault: T,
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER,
): Flag<number | T> {
  const range = min === Number.MIN_SAFE_INTEGER
    ? "an integer"
    : max === Number.MAX_SAFE_INTEGER
    ? `an integer of at least ${min}`
    : `an integer from ${min} to ${max}`;
  const parse = (given: string) => {
    const value = /^-?\d+$/.test(given) ? Number(given) : NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new RangeError(`want ${range}, got ${JSON.stringify(given)}`);
  };
  return { placeholder, help, default: byDefault, parse };
}

/** A flag that takes seconds, more than 0; its value is in milliseconds. */
export function seconds(placeholder: string, help: string, byDefault: number): Flag<number> {
  const parse = (given: string) => {
    const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) * 1000 : NaN;
    if (value > 0) return value;
    throw new RangeError(`want seconds, such as 10 or 0.5, got ${JSON.stringify(given)}`);
  };
  return { placeholder, help, default: byDefault * 1000, parse };
}

const DURATIONS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A flag that takes a length of time with its unit; its value is in milliseconds. */
export function duration<T extends number | undefined>(
  placeholder: string,
  help: string,
  byDefault: T,
): Flag<number | T> {
  const parse = (given: string) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given);
    const value = match ? Number(match[1]) * DURATIONS[match[2] as keyof typeof DURATIONS] : NaN;
    if (value > 0) return value;
    throw new RangeError(`want a duration, such as 10s, 500ms or 1m, got ${JSON.stringify(given)}`);
  };
  return { placeholder, help, default: byDefault, parse };
}

const SIZES = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A flag that takes a size; its value is in bytes. */
export function size(placeholder: string, help: string, byDefault: number): Flag<number> {
  const parse = (given: string) => {
    const match = /^(\d+)(|KiB|MiB|GiB)$/.exec(given);
    const value = match ? Number(match[1]) * SIZES[match[2] as keyof typeof SIZES] : NaN;
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw new RangeError(`want a size, such as 1MiB or 65536, got ${JSON.stringify(given)}`);
  };
  return { placeholder, help, default: byDefault, parse };
}

/** A flag that takes one of a few words, the first of which is the default. */
export function choice<const T extends readonly [string, ...string[]]>(
  help: string,
  words: T,
): Flag<T[number]> {
  const parse = (given: string) => {
    if (words.includes(given)) return given;
    throw new RangeError(`want ${words.join(" or ")}, got ${JSON.stringify(given)}`);
  };
  return { placeholder: words.join("|"), help, default: words[0], parse };
}

/** The same flag, with a letter for its name. */
export function short<T>(letter: string, flag: Flag<T>): Flag<T> {
  return { ...flag, short: letter };
}

/** The same flag, to be repeated; its value is a list. */
export function many<T>(flag: Flag<T>): Flag<readonly NonNullable<T>[]> {
  const parse = (given: string) => [flag.parse(given)!];
  return { ...flag, default: [], parse, many: true };
}

/**
 * Reads a command line.
 *
 * @throws {UsageError} if a flag is unknown, lacks its value, or has one that is not right.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { integer, readFlags, toggle } from "./flags.ts";
 *
 * const table = { port: integer("N", "the port", 2707, 0, 65535), quiet: toggle("say nothing") };
 * assertEquals(readFlags(table, ["--port", "80", "a"]), { port: 80, quiet: false, _: ["a"] });
 * ```
 */
export function readFlags<T extends FlagTable>(table: T, args: readonly string[]): FlagValues<T> {
  const names = Object.keys(table);
  const withValue = names.filter((name) => table[name]!.placeholder !== undefined);
  const given = parseArgs(joinValues(args, table), {
    string: ["_", ...withValue],
    collect: names.filter((name) => table[name]!.many),
    boolean: names.filter((name) => !withValue.includes(name)).map(bareName),
    unknown: (arg: string) => {
      if (!arg.startsWith("-") || arg === "-") return true;
      throw new UsageError(`there is no flag ${arg.split("=")[0]}`);
    },
  }) as Record<string, unknown>;

  const values: Record<string, unknown> = { _: given["_"] };
  for (const name of names) {
    const flag = table[name]!;
    const value = given[bareName(name)];
    if (value === undefined || value === false) values[name] = flag.default;
    else if (Array.isArray(value)) values[name] = value.flatMap((one) => valueOf(name, flag, one));
    else values[name] = valueOf(name, flag, value);
  }
  return values as FlagValues<T>;
}

/** What parseArgs() makes of a flag's name: it reads `--no-retry=true` as `--retry=true`. */
function bareName(name: string): string {
  return name.replace(/^no-/, "");
}

/**
 * Joins each flag with its value: what comes next, even if that begins with a dash. One that is on or off
 * takes none, not even a word such as `true`, which parseArgs would give it.
 */
function joinValues(args: readonly string[], table: FlagTable): string[] {
  const names = new Map(Object.entries(table).map(([name, { short }]) => [`-${short}`, name]));
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--") return [...joined, ...args.slice(i)];
    const arg = spellOut(args[i]!, names);
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) {
      joined.push(arg);
    } else if (!Object.hasOwn(table, name)) {
      const meant = closestString(name, Object.keys(table));
      const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
      throw new UsageError(`there is no flag --${name}${hint}`);
    } else if (table[name]!.placeholder === undefined) {
      if (value !== undefined) throw new UsageError(`--${name} takes no value`);
      joined.push(`--${name}=true`);
    } else {
      const given = value ?? args[++i];
      if (!given) throw new UsageError(`--${name} wants a value: ${table[name]!.placeholder}`);
      joined.push(`--${name}=${given}`);
    }
  }
  return joined;
}

/** A letter becomes the name that it stands for: `-c10` and `-c=10` are `--connections=10`. */
function spellOut(arg: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(arg.slice(0, 2));
  if (name === undefined) return arg;
  const value = arg.slice(2);
  return value === "" ? `--${name}` : `--${name}=${value.replace(/^=/, "")}`;
}

function valueOf(name: string, flag: Flag<unknown>, given: unknown): unknown {
  try {
    return flag.parse(String(given));
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--${name}: ${error.message}`);
    throw error;
  }
}

/** The part of a help that lists the flags. */
export function flagHelp(table: FlagTable): string {
  const hasShort = Object.values(table).some(({ short }) => short !== undefined);
  const rows = Object.entries(table).map(([name, { placeholder, help, short, many }]) => {
    const letter = short !== undefined ? `-${short}, ` : hasShort ? "    " : "";
    const value = placeholder === undefined ? "" : ` ${placeholder}`;
    return [`  ${letter}--${name}${value}`, many ? `${help}; can be repeated` : help] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 2;
  return rows.map(([flag, help]) => flag.padEnd(width) + help).join("\n");
}
