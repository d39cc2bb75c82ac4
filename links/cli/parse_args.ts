import type { Args, ParseOptions, Values } from "./_types.ts";

export type { Args, ParseOptions } from "./_types.ts";

/** All that is said under `option`, one name or several, with the aliases of each name. */
function namesIn(option: unknown, aliases: Map<string, string[]>): Set<string> {
  const names = [option ?? []].flat().filter((name) => typeof name === "string" && name !== "");
  return new Set((names as string[]).flatMap((name) => [name, ...aliases.get(name) ?? []]));
}

/** Which names stand for the same flag, for each name that has others. */
function aliasGroups(alias: Record<string, unknown>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, others] of Object.entries(alias)) {
    const group = [name, ...[others].flat() as string[]];
    for (const one of group) groups.set(one, group.filter((other) => other !== one));
  }
  return groups;
}

const numberOr = (text: string) =>
  text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;

/**
 * Reads a command line. Without options, a flag takes the next argument as its value unless that
 * starts with `-`, is `true` when there is none, and what looks like a number becomes one.
 *
 * @param args The arguments, as in `Deno.args`.
 * @param options What is known about the flags; see {@linkcode ParseOptions}.
 * @returns The flags by name, and under `_` the arguments that belong to no flag.
 *
 * @example
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 * import { assertEquals } from "@std/assert";
 *
 * const args = parseArgs(["add", "--name", "demo", "-v"], { string: ["name"], boolean: ["v"] });
 * assertEquals(args, { _: ["add"], name: "demo", v: true });
 * ```
 */
export function parseArgs<
  B extends boolean | string | undefined = undefined,
  S extends string | undefined = undefined,
  C extends string | undefined = undefined,
  N extends string | undefined = undefined,
  D extends Record<string, unknown> | undefined = undefined,
  DD extends boolean | undefined = undefined,
>(args: string[], options: ParseOptions<B, S, C, N, D, DD> = {}): Args<Values<B, S, C, N, D>, DD> {
  const aliases = aliasGroups(options.alias ?? {});
  const booleans = namesIn(options.boolean, aliases);
  const strings = namesIn(options.string, aliases);
  const collected = namesIn(options.collect, aliases);
  const negatable = namesIn(options.negatable, aliases);
  const refused = (arg: string, ...rest: unknown[]) =>
    options.unknown?.(arg, ...rest as [string, unknown]) === false;
  const words: (string | number)[] = [];
  const flags: Record<string, unknown> = Object.create(null);

  const set = (name: string, given: string | boolean, arg: string, collect = true) => {
    const known = booleans.has(name) || strings.has(name) || aliases.has(name) ||
      (options.boolean === true && /^--[^=]+$/.test(arg));
    if (!known && refused(arg, name, given)) return;
    const value = typeof given === "string" && !strings.has(name) ? numberOr(given) : given;
    for (const one of [name, ...aliases.get(name) ?? []]) {
      const before = flags[one] ? [flags[one]].flat() : [];
      flags[one] = collect && collected.has(name) ? [...before, value] : value;
    }
  };

  const end = args.includes("--") ? args.indexOf("--") : args.length;
  let taken = -1; // the last argument that is used up as a value
  const valueAfter = (name: string, at: number, isLong: boolean) => {
    const next = at + 1 < end ? args[at + 1] : undefined;
    const looksLikeFlag = isLong ? next?.startsWith("-") : /^--?[^-]/.test(next ?? "");
    const takesNone = booleans.has(name) || (isLong && options.boolean === true);
    const usesNext = next && !looksLikeFlag && !takesNone;
    if (usesNext || next === "true" || next === "false") taken = at + 1;
    return usesNext ? next : taken > at ? next === "true" : strings.has(name) ? "" : true;
  };

  const readLong = (arg: string, at: number, name: string, value: string | undefined) => {
    const bare = name.replace(/^no-(?=.)/, "");
    if (value) return set(bare, booleans.has(bare) ? value !== "false" : value, arg);
    if (value === "") name += "="; // only a value that is not empty makes "=" a separator
    else if (bare !== name && negatable.has(bare)) return set(bare, false, arg, false);
    set(name, valueAfter(name, at, true), arg);
  };

  // A group such as -abc5: letters without a value, until what follows a letter is its value.
  const readShort = (arg: string, at: number) => {
    for (let i = 1; i < arg.length - 1; i++) {
      const letter = arg.charAt(i);
      const rest = arg.slice(i + 1);
      const isLetter = /[a-z]/i.test(letter);
      const assigned = isLetter ? /=(.+)/.exec(rest)?.[1] : undefined;
      if (assigned) return set(letter, assigned, arg);
      const endsInNumber = isLetter && /\d\.?$/.test(rest);
      const startsWithSign = rest.length > 1 && /^\W/.test(rest);
      if (endsInNumber || startsWithSign) return set(letter, rest, arg);
      set(letter, rest === "-" ? "-" : strings.has(letter) ? "" : true, arg);
    }
    const last = arg.slice(-1);
    if (last !== "-") set(last, valueAfter(last, at, false), arg);
  };

  for (let index = 0; index < end; index++) {
    const arg = args[index]!;
    if (index <= taken) continue;
    if (arg.startsWith("--")) {
      const assigns = arg.indexOf("=");
      if (assigns < 0) readLong(arg, index, arg.slice(2), undefined);
      else readLong(arg, index, arg.slice(2, assigns), arg.slice(assigns + 1));
    } else if (/^-./.test(arg)) {
      readShort(arg, index);
    } else {
      if (!refused(arg)) words.push(strings.has("_") ? arg : numberOr(arg));
      if (!options.stopEarly) continue;
      words.push(...args.slice(index + 1, end));
      break;
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (name in flags) continue;
    for (const one of [name, ...aliases.get(name) ?? []]) flags[one] = value;
  }
  for (const name of [...booleans, ...strings]) {
    if (name in flags) continue;
    if (collected.has(name)) flags[name] = [];
    else if (booleans.has(name)) flags[name] = false;
  }

  const after = args.slice(end + 1);
  const result = options["--"]
    ? { ...flags, _: words, "--": after }
    : { ...flags, _: [...words, ...after] };
  return result as unknown as Args<Values<B, S, C, N, D>, DD>;
}
