/** What `parseArgs` is told about the flags. Each name can be one name or a list. */
export interface ParseOptions<
  B extends boolean | string | undefined = boolean | string | undefined,
  S extends string | undefined = string | undefined,
  C extends string | undefined = string | undefined,
  N extends string | undefined = string | undefined,
  D extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Whether what follows `--` is returned apart, under `--`, and not as part of `_`. */
  "--"?: DD;
  /** Other names for a flag. All names of a flag get its value. */
  alias?: Partial<Record<string, string | readonly string[]>>;
  /** Flags without a value; `false` when not given. `true` means every flag that starts `--`. */
  boolean?: B | readonly Extract<B, string>[];
  /** Values for flags that are not given. */
  default?: D & Record<string, unknown>;
  /** Whether everything after the first argument that is no flag goes to `_` unread. */
  stopEarly?: boolean;
  /** Flags whose value stays text, `""` when it is left out; `_` for the arguments in `_`. */
  string?: S | readonly Extract<S, string>[];
  /** Flags that can be repeated, with a list of all their values. Of others, the last counts. */
  collect?: C | readonly Extract<C, string>[];
  /** Flags that `--no-` before their name sets to `false`. */
  negatable?: N | readonly Extract<N, string>[];
  /**
   * Gets every argument that is no flag, and every flag that is not in `boolean`, `string` or
   * `alias` with its name and value. What it returns `false` for is left out of the result.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** `false` for a flag that can be negated. */
type Negated<K, N> = K extends N ? false : never;

/** The types of the flags that the options name. A flag with a default always has a value. */
export type Values<B, S, C, N, D> =
  & Record<string, unknown>
  & Omit<Given<B, S, C, N>, keyof D>
  & { [K in keyof D & keyof Given<B, S, C, N>]: D[K] | NonNullable<Given<B, S, C, N>[K]> };

/** The same without regard to defaults. */
type Given<B, S, C, N> =
  & { [K in Exclude<Extract<B, string>, C>]: boolean }
  & { [K in Exclude<Extract<S, string>, C>]?: string | Negated<K, N> }
  & {
    [K in Extract<C, string>]:
      | (K extends B ? boolean : K extends S ? string : unknown)[]
      | Negated<K, N>;
  };

/** What `parseArgs` returns: the flags, and under `_` the arguments that belong to no flag. */
export type Args<
  // deno-lint-ignore no-explicit-any -- without options nothing is known about the values
  TArgs extends Record<string, unknown> = Record<string, any>,
  DD extends boolean | undefined = undefined,
> =
  & TArgs
  & { _: (string | number)[] }
  & (boolean extends DD ? { "--"?: string[] } : true extends DD ? { "--": string[] } : unknown);
