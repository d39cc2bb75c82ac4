/**
 * Flags: one table for each command defines its flags, reads them, and makes the help.
 *
 * @module
 */

import { parseDuration } from "../session/duration.ts";
import { closestString } from "../session/closest_string.ts";
import { type Flag, type FlagTable, UsageError } from "./command.ts";

/** A command line: the value of each flag, and all other arguments. */
export type FlagValues<T extends FlagTable> =
  & { [Name in keyof T]: T[Name] extends Flag<infer Value> ? Value : never }
  & { readonly _: readonly string[] };

/** A flag that is on or off. */
export function toggle(help: string): Flag<boolean> {
  return { help, default: false, parse: () => true };
}

/** A flag that takes a value. */
export function value<T, D = undefined>(
  placeholder: string,
  help: string,
  parse: (text: string) => T,
  byDefault?: D,
): Flag<T | D> {
  return { placeholder, help, parse, default: byDefault as D };
}

/** A flag that takes a text. */
export function text<D = undefined>(
  placeholder: string,
  help: string,
  byDefault?: D,
): Flag<string | D> {
  return value(placeholder, help, (text) => text, byDefault);
}

/** A flag that takes an integer in a range, both ends included. */
export function integer<D = undefined>(
  help: string,
  byDefault?: D,
  min = -Infinity,
  max = Infinity,
): Flag<number | D> {
  const range = max < Infinity ? ` from ${min} to ${max}` : min > -max ? ` of at least ${min}` : "";
  const parse = (text: string) => {
    const number = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
    throw unexpected(`an integer${range}`, text);
  };
  return value("N", help, parse, byDefault);
}

/** A flag that takes a duration of more than 0; its value is in milliseconds. */
export function time<D = undefined>(help: string, byDefault?: D): Flag<number | D> {
  const parse = (text: string) => {
    const milliseconds = 1000 * parseDuration(text);
    if (milliseconds > 0) return milliseconds;
    throw unexpected("a duration, such as 10, 10s or 500ms", text);
  };
  const syntax = "A TIME is in seconds or has a unit: 10, 10s, 500ms, 1m, 1h.";
  return { ...value("TIME", help, parse, byDefault), syntax };
}

const SIZES = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A flag that takes a size of more than 0; its value is in bytes. */
export function size<D = undefined>(help: string, byDefault?: D): Flag<number | D> {
  const parse = (text: string) => {
    const [, number, unit] = /^(\d+)(|KiB|MiB|GiB)$/.exec(text) ?? [];
    const bytes = Number(number) * SIZES[unit as keyof typeof SIZES];
    if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
    throw unexpected("a size, such as 1MiB or 65536", text);
  };
  const syntax = "A SIZE is in bytes or has a unit: 65536, 64KiB, 1MiB, 1GiB.";
  return { ...value("SIZE", help, parse, byDefault), syntax };
}

/** A flag that takes one of a few words, the first of which is the default. */
export function choice<const T extends readonly [string, ...string[]]>(
  help: string,
  words: T,
): Flag<T[number]> {
  const parse = (text: string): T[number] => {
    if (words.includes(text)) return text;
    throw unexpected(oneOf(words), text);
  };
  return value(words.join("|"), help, parse, words[0]);
}

/** The same flag, with a letter for its name. */
export function short<T>(letter: string, flag: Flag<T>): Flag<T> {
  return { ...flag, short: letter };
}

/** The same flag, which can be repeated; its value is a list. */
export function many<T>(flag: Flag<T>): Flag<readonly NonNullable<T>[]> {
  return { ...flag, default: [], parse: (given) => [flag.parse(given)!], many: true };
}

/** The same flags, under a heading in the help. */
export function group<T extends Readonly<Record<string, object>>>(heading: string, table: T): T {
  const flags = Object.entries(table).map(([name, flag]) => [name, { ...flag, heading }]);
  return Object.fromEntries(flags);
}

/** Returns words as a list for people, such as `a, b, or c`. */
export function oneOf(words: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "disjunction" }).format(words);
}

/** Returns an error for a text that is not as expected. */
export function unexpected(expected: string, text: string): RangeError {
  return new RangeError(`expected ${expected}, got ${JSON.stringify(text)}`);
}

/**
 * Reads a command line.
 *
 * @param words whether the command takes arguments that are no flags.
 * @throws {UsageError} if a flag or an argument is unknown, or a value is missing or wrong.
 */
export function readFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  words: "words" | "no words" = "no words",
): FlagValues<T> {
  const rest: string[] = [];
  const values: Record<string, unknown> = { _: rest };
  for (const name of Object.keys(table)) values[name] = table[name]!.default;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") {
      rest.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      rest.push(arg);
      continue;
    }
    const [name, attached] = splitFlag(table, arg);
    const { placeholder, parse, many } = table[name]!;
    const text = placeholder === undefined ? attached : attached ?? args[++i];
    try {
      if (placeholder !== undefined && !text) {
        throw new RangeError(`expected a value, as in --${name} ${placeholder}`);
      }
      if (placeholder === undefined && text !== undefined) throw unexpected("no value", text);
      const value = parse(text ?? "");
      values[name] = many ? [...values[name] as unknown[], ...value as unknown[]] : value;
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`--${name}: ${error.message}`);
      throw error;
    }
  }
  if (words === "no words" && rest.length > 0) {
    throw new UsageError(`unexpected argument ${JSON.stringify(rest[0])}; --help shows the usage`);
  }
  return values as FlagValues<T>;
}

/** Splits `--name=value`, `-c=value` or `-cvalue`; the value may also be the next argument. */
function splitFlag(table: FlagTable, arg: string): [name: string, value: string | undefined] {
  const [, long, value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
  if (long !== undefined && Object.hasOwn(table, long)) return [long, value];
  const name = Object.keys(table).find((name) => `-${table[name]!.short}` === arg.slice(0, 2));
  if (name !== undefined) return [name, arg.slice(2) ? arg.slice(2).replace(/^=/, "") : undefined];
  const meant = long && closestString(long, Object.keys(table));
  const hint = meant ? `did you mean --${meant}?` : "--help lists all flags";
  throw new UsageError(`unknown flag ${arg.split("=")[0]}; ${hint}`);
}

/**
 * Checks flags that exclude each other.
 *
 * @throws {UsageError} if more than one is given.
 */
export function exclude(isGiven: Readonly<Record<string, boolean>>): void {
  const given = Object.keys(isGiven).filter((name) => isGiven[name]);
  if (given.length < 2) return;
  throw new UsageError(`${given.join(" and ")} exclude each other; leave out all but one`);
}

/** The flag that shows the help, which every command has. */
export const HELP_FLAG: Flag<boolean> = short("h", toggle("shows this help"));

/** Returns the part of a help that lists the flags, under their headings. */
export function flagHelp(table: FlagTable): string {
  const flags = Object.entries({ ...table, help: HELP_FLAG });
  const rows = flags.map(([name, { placeholder, short }]) =>
    `  ${short === undefined ? "   " : `-${short},`} --${name} ${placeholder ?? ""}`
  );
  const width = Math.max(...rows.map(({ length }) => length)) + 2;
  const lines = flags.flatMap(([, { heading, help, many }], i) => {
    const isFirst = heading !== flags[i - 1]?.[1].heading;
    const above = isFirst ? ["", ...heading === undefined ? [] : [`${heading}:`]] : [];
    return [...above, rows[i]!.padEnd(width) + (many ? `${help}; can be repeated` : help)];
  });
  const syntax = new Set(flags.flatMap(([, { syntax }]) => syntax === undefined ? [] : [syntax]));
  return [...lines, ...syntax.size === 0 ? [] : ["", ...syntax]].join("\n").replace(/^\n/, "");
}

/**
 * Leaves out members that are undefined. Options that lack a member then have their default, and a
 * misspelled member fails type checking.
 */
export function defined<T extends object>(
  members: { [Name in keyof T]: T[Name] | undefined },
): T {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as T;
}
