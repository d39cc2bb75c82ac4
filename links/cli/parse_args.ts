/** Options for {@linkcode parseArgs}: the names of the flags of each kind. */
export interface ParseOptions {
  /** Flags without a value; `false` when not given. */
  boolean?: string | readonly string[];
  /** Flags whose value stays text, `""` when it is left out; `_` for the arguments in `_`. */
  string?: string | readonly string[];
  /** Flags that can be repeated, with a list of all their values. Of others, the last counts. */
  collect?: string | readonly string[];
  /**
   * Gets each argument that is no flag, and each flag that is not in `boolean` or `string` with its
   * name and value. If it returns `false`, the argument is left out of the result.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The flags by name, and under `_` the arguments that belong to no flag. */
export type Args = Record<string, unknown> & { _: (string | number)[] };

/**
 * Reads a command line. Without options, a flag takes the next argument as its value unless that
 * starts with `-`, is `true` when there is none, and a text that looks like a number becomes one.
 */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const booleans = new Set([options.boolean ?? []].flat());
  const strings = new Set([options.string ?? []].flat());
  const collected = new Set([options.collect ?? []].flat());
  const isRefused = (arg: string, ...flag: [name?: string, value?: unknown]) =>
    options.unknown?.(arg, ...flag) === false;
  const words: (string | number)[] = [];
  const flags: Record<string, unknown> = Object.create(null);

  const set = (name: string, given: string | boolean, arg: string) => {
    if (!booleans.has(name) && !strings.has(name) && isRefused(arg, name, given)) return;
    const value = typeof given === "string" && !strings.has(name) ? numberOr(given) : given;
    const before = flags[name] ? [flags[name]].flat() : [];
    flags[name] = collected.has(name) ? [...before, value] : value;
  };

  const end = args.includes("--") ? args.indexOf("--") : args.length;
  let taken = -1; // the last argument that is used up as a value
  const valueAfter = (name: string, at: number, isLong: boolean) => {
    const next = at + 1 < end ? args[at + 1] : undefined;
    const looksLikeFlag = isLong ? next?.startsWith("-") : /^--?[^-]/.test(next ?? "");
    const usesNext = next && !looksLikeFlag && !booleans.has(name);
    if (usesNext || next === "true" || next === "false") taken = at + 1;
    return usesNext ? next : taken > at ? next === "true" : strings.has(name) ? "" : true;
  };

  const readLong = (arg: string, at: number) => {
    const [, name = "", value] = /^--([^=]*)(?:=(.+))?$/s.exec(arg) ?? [, arg.slice(2)];
    if (value === undefined) return set(name, valueAfter(name, at, true), arg);
    const bare = name.replace(/^no-(?=.)/, "");
    set(bare, booleans.has(bare) ? value !== "false" : value, arg);
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

  for (const [index, arg] of args.slice(0, end).entries()) {
    if (index <= taken) continue;
    if (arg.startsWith("--")) readLong(arg, index);
    else if (/^-./.test(arg)) readShort(arg, index);
    else if (!isRefused(arg)) words.push(strings.has("_") ? arg : numberOr(arg));
  }
  for (const name of [...booleans, ...strings]) {
    if (name in flags) continue;
    if (collected.has(name)) flags[name] = [];
    else if (booleans.has(name)) flags[name] = false;
  }
  return { ...flags, _: [...words, ...args.slice(end + 1)] };
}

function numberOr(text: string): number | string {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
