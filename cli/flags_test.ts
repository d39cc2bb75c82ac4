import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { UsageError } from "./exit.ts";
import {
  choice,
  duration,
  type Flag,
  flagHelp,
  integer,
  many,
  readFlags,
  seconds,
  short,
  size,
  text,
  toggle,
} from "./flags.ts";

const TABLE = {
  port: integer("N", "the port", 2707, 0, 65_535),
  seed: integer("N", "the seed", undefined),
  window: integer("N", "how many", 100, 1),
  url: text("URL", "the server", "ws://localhost"),
  file: text("PATH", "the file", undefined),
  timeout: seconds("SECONDS", "how long", 10),
  "max-size": size("SIZE", "how much", 1024),
  format: choice("what it looks like", ["text", "json"]),
  quiet: toggle("says nothing"),
};

const DEFAULTS: Record<string, unknown> = {
  port: 2707,
  seed: undefined,
  window: 100,
  url: "ws://localhost",
  file: undefined,
  timeout: 10_000,
  "max-size": 1024,
  format: "text",
  quiet: false,
  _: [],
};

Deno.test("readFlags() gives defaults for what is not given", () => {
  assertEquals<Record<string, unknown>>(readFlags(TABLE, []), DEFAULTS);
});

Deno.test("readFlags() reads flags, and leaves the rest as words", () => {
  const cases: [args: string[], expected: Record<string, unknown>][] = [
    [["--port", "80"], { port: 80 }],
    [["--port=80"], { port: 80 }],
    [["--port", "1", "--port=2", "--port", "3"], { port: 3 }],
    [["--seed", "-7"], { seed: -7 }],
    [["--seed=-7"], { seed: -7 }],
    [["--quiet"], { quiet: true }],
    [["--max-size", "1MiB", "--format", "json"], { "max-size": 1 << 20, format: "json" }],
    [["--url", "ws://h:1/?a=b=c"], { url: "ws://h:1/?a=b=c" }],
    [["--url=ws://h:1/?a=b=c"], { url: "ws://h:1/?a=b=c" }],
    [["--file", "-"], { file: "-" }],
    [["--file=-"], { file: "-" }],
    [["--file", "--quiet"], { file: "--quiet" }],
    [["a", "--quiet", "b"], { quiet: true, _: ["a", "b"] }],
    [["--quiet", "7", "-", "007"], { quiet: true, _: ["7", "-", "007"] }],
    [["--", "--quiet", "-x", "--"], { _: ["--quiet", "-x", "--"] }],
    [["--port", "80", "--", "--port", "81"], { port: 80, _: ["--port", "81"] }],
    [["Hub&&name&&q=we", "{}", ""], { _: ["Hub&&name&&q=we", "{}", ""] }],
  ];
  for (const [args, expected] of cases) {
    const values: Record<string, unknown> = readFlags(TABLE, args);
    assertEquals(values, { ...DEFAULTS, ...expected }, args.join(" "));
  }
});

Deno.test("readFlags() refuses flags that there are not", () => {
  const cases = [
    ["--prot", "--prot"],
    ["--prot=80", "--prot"],
    ["--Port=80", "--Port"],
    ["--no-quiet", "--no-quiet"],
    ["--no-port=80", "--no-port"],
    ["--constructor", "--constructor"],
    ["--__proto__=1", "--__proto__"],
    ["---port", "---port"],
    ["-p", "-p"],
    ["-q", "-q"],
  ] as const;
  for (const [arg, shown] of cases) {
    for (const args of [[arg], ["--quiet", "a", arg], [arg, "--quiet"]]) {
      assertThrows(() => readFlags(TABLE, args), UsageError, `there is no flag ${shown}`);
    }
  }
});

Deno.test("readFlags() says which flag may have been meant", () => {
  const cases = [
    ["--prot=80", "there is no flag --prot; did you mean --port?"],
    ["--quite", "there is no flag --quite; did you mean --quiet?"],
    ["--nonsense", "there is no flag --nonsense"],
  ] as const;
  for (const [arg, message] of cases) {
    const error = assertThrows(() => readFlags(TABLE, [arg]), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("readFlags() refuses values that are missing", () => {
  for (const name of ["port", "url", "timeout", "format"] as const) {
    const message = `--${name} wants a value: ${TABLE[name].placeholder}`;
    for (const args of [[`--${name}`], [`--${name}`, ""], ["--quiet", `--${name}`]]) {
      assertThrows(() => readFlags(TABLE, args), UsageError, message, args.join(" "));
    }
    assertThrows(() => readFlags(TABLE, [`--${name}=`]), UsageError, message);
  }
});

Deno.test("readFlags() gives a flag that is on or off no value", () => {
  for (const word of ["true", "false", "0"]) {
    assertEquals<Record<string, unknown>>(readFlags(TABLE, ["--quiet", word]), {
      ...DEFAULTS,
      quiet: true,
      _: [word],
    });
    assertThrows(
      () => readFlags(TABLE, [`--quiet=${word}`]),
      UsageError,
      "--quiet takes no value",
    );
  }
});

/** What a flag makes of a text; an error's message where it refuses it. */
function read(flag: Flag<unknown>, given: string): unknown {
  try {
    return readFlags({ flag }, ["--flag", given]).flag;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

const COUNT = integer("N", "", 0, 1, 9);
const INTEGER = integer("N", "", 0);
const AT_LEAST = integer("N", "", 0, 1);
const SECONDS = seconds("S", "", 1);
const DURATION = duration("D", "", 1);
const SIZE = size("S", "", 1);
const CHOICE = choice("", ["text", "json"]);

const GOOD: [flag: Flag<unknown>, given: string, value: unknown][] = [
  [COUNT, "1", 1],
  [COUNT, "9", 9],
  [COUNT, "007", 7],
  [INTEGER, "0", 0],
  [INTEGER, "-5", -5],
  [INTEGER, "9007199254740991", Number.MAX_SAFE_INTEGER],
  [INTEGER, "-9007199254740991", Number.MIN_SAFE_INTEGER],
  [AT_LEAST, "1000000", 1_000_000],
  [SECONDS, "10", 10_000],
  [SECONDS, "0.5", 500],
  [SECONDS, "0.001", 1],
  [DURATION, "500ms", 500],
  [DURATION, "10s", 10_000],
  [DURATION, "1.5m", 90_000],
  [DURATION, "2h", 7_200_000],
  [SIZE, "65536", 65_536],
  [SIZE, "1", 1],
  [SIZE, "2KiB", 2048],
  [SIZE, "1MiB", 1 << 20],
  [SIZE, "3GiB", 3 * 2 ** 30],
  [CHOICE, "text", "text"],
  [CHOICE, "json", "json"],
  [text("T", "", "a"), "  b ", "  b "],
];

const BAD: [flag: Flag<unknown>, want: string, ...given: string[]][] = [
  [COUNT, "an integer from 1 to 9", "0", "10", "-1", "1.0", "1e0", "x", " 1", "0x1", "٣", "+1"],
  [INTEGER, "an integer", "9007199254740992", "-9007199254740992", "1.5", "--1", "-", "NaN"],
  [AT_LEAST, "an integer of at least 1", "0", "-1", "1_000"],
  [SECONDS, "seconds, such as 10 or 0.5", "0", "0.0", "-1", "1s", ".5", "1.", "1e3", "Infinity"],
  [DURATION, "a duration, such as 10s, 500ms or 1m", "10", "0s", "-1s", "1d", "s", "1 s", "1S"],
  [SIZE, "a size, such as 1MiB or 65536", "0", "0KiB", "-1", "1.5MiB", "1MB", "1 MiB", "1mib", "K"],
  [SIZE, "a size, such as 1MiB or 65536", "9007199254740992", "8388608GiB"],
  [CHOICE, "text or json", "xml", "JSON", "text|json", "te"],
];

Deno.test("readFlags() reads each kind of value", () => {
  for (const [flag, given, value] of GOOD) assertStrictEquals(read(flag, given), value, given);
});

Deno.test("readFlags() refuses bad values of each kind, and says what would be right", () => {
  for (const [flag, want, ...all] of BAD) {
    for (const given of all) {
      assertStrictEquals(read(flag, given), `--flag: want ${want}, got ${JSON.stringify(given)}`);
    }
  }
});

Deno.test("readFlags() lets errors that are no RangeError pass", () => {
  const error = new TypeError("a mistake");
  const parse = () => {
    throw error;
  };
  const table = { flag: { placeholder: "X", help: "", default: undefined, parse } };
  assertStrictEquals(assertThrows(() => readFlags(table, ["--flag", "x"])), error);
});

Deno.test("short() lets a letter stand for the name", () => {
  const table = { connections: short("c", integer("N", "", 1)), quiet: short("q", toggle("")) };
  for (const args of [["-c", "10"], ["-c10"], ["-c=10"], ["--connections=10"]]) {
    assertEquals(readFlags(table, args), { connections: 10, quiet: false, _: [] });
  }
  assertEquals(readFlags(table, ["a", "-q"]), { connections: 1, quiet: true, _: ["a"] });
  assertEquals(readFlags(table, ["--", "-q"]), { connections: 1, quiet: false, _: ["-q"] });
  assertThrows(() => readFlags(table, ["-c"]), UsageError, "--connections wants a value: N");
});

Deno.test("many() makes a list of what is given", () => {
  const table = { size: many(integer("N", "", undefined)) };
  assertEquals(readFlags(table, []), { size: [], _: [] });
  assertEquals(readFlags(table, ["--size", "1"]), { size: [1], _: [] });
  assertEquals(readFlags(table, ["--size", "1", "a", "--size=2"]), { size: [1, 2], _: ["a"] });
  assertThrows(() => readFlags(table, ["--size", "1", "--size", "x"]), UsageError, "--size: want");
});

Deno.test("flagHelp() lists each flag with its value and what it does", () => {
  const table = { port: TABLE.port, "max-size": TABLE["max-size"], quiet: TABLE.quiet };
  assertStrictEquals(
    flagHelp(table),
    "  --port N         the port\n" +
      "  --max-size SIZE  how much\n" +
      "  --quiet          says nothing",
  );
  assertStrictEquals(
    flagHelp({ count: short("c", many(TABLE.window)), format: TABLE.format }),
    "  -c, --count N           how many; can be repeated\n" +
      "      --format text|json  what it looks like",
  );
});

Deno.test("readFlags() reads a flag whose name begins with no-", () => {
  const table = { "no-retry": toggle("does not retry"), quiet: toggle("says nothing") };
  const read = (...args: string[]) => readFlags(table, args);
  assertEquals(read(), { "no-retry": false, quiet: false, _: [] });
  assertEquals(read("--no-retry", "true"), { "no-retry": true, quiet: false, _: ["true"] });
  for (const args of [["--retry"], ["--no-retry=no"], ["--no-quiet"]]) {
    assertThrows(() => read(...args), UsageError, args[0]!.split("=")[0]!);
  }
});
