import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DEFAULT_PORT, serve, type ServeOptions } from "../server.ts";
import { DEFAULT_CONNECTION_LIMITS, DEFAULT_PER_ADDRESS } from "../server/connections.ts";
import { DEFAULT_LIMITS } from "../session/context.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { type Flag, UsageError } from "./command.ts";
import {
  choice,
  defined,
  flagHelp,
  group,
  integer,
  many,
  readFlags,
  short,
  size,
  text,
  time,
  toggle,
  value,
} from "./flags.ts";

const TABLE = {
  port: integer("the port", 2707, 0, 65_535),
  seed: integer("the seed", undefined),
  window: integer("how many", 100, 1),
  url: text("URL", "the server", "ws://localhost"),
  file: text("PATH", "the file", undefined),
  timeout: time("how long", 10_000),
  "max-size": size("how much", 1024),
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

Deno.test("readFlags() returns defaults without arguments", () => {
  assertEquals<Record<string, unknown>>(readFlags(TABLE, []), DEFAULTS);
});

Deno.test("readFlags() returns the values of flags, and all other arguments as words", () => {
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
    const values: Record<string, unknown> = readFlags(TABLE, args, "words");
    assertEquals(values, { ...DEFAULTS, ...expected }, args.join(" "));
  }
});

Deno.test("readFlags() throws for an unknown flag", () => {
  const cases = [
    ["--prot", "--prot; did you mean --port?"],
    ["--prot=80", "--prot; did you mean --port?"],
    ["--Port=80", "--Port; did you mean --port?"],
    ["--quite", "--quite; did you mean --quiet?"],
    ["--nonsense", "--nonsense; --help lists all flags"],
    ["--no-quiet", "--no-quiet; --help lists all flags"],
    ["--no-port=80", "--no-port; --help lists all flags"],
    ["--constructor", "--constructor; --help lists all flags"],
    ["--__proto__=1", "--__proto__; --help lists all flags"],
    ["---port", "---port; did you mean --port?"],
    ["-p", "-p; --help lists all flags"],
    ["-q=1", "-q; --help lists all flags"],
  ] as const;
  for (const [arg, rest] of cases) {
    for (const args of [[arg], ["--quiet", "a", arg], [arg, "--quiet"]]) {
      const error = assertThrows(() => readFlags(TABLE, args), UsageError);
      assertEquals(error.message, `unknown flag ${rest}`);
    }
  }
});

Deno.test("readFlags() throws for an argument that is no flag, unless the command takes words", () => {
  const message = 'unexpected argument "a"; --help shows the usage';
  for (const args of [["a"], ["--quiet", "a", "b"], ["--", "a"]]) {
    assertEquals(assertThrows(() => readFlags(TABLE, args), UsageError).message, message);
  }
});

Deno.test("readFlags() throws if a value is missing", () => {
  for (const name of ["port", "url", "timeout", "format"] as const) {
    const message = `--${name}: expected a value, as in --${name} ${TABLE[name].placeholder}`;
    for (const args of [[`--${name}`], [`--${name}`, ""], ["--quiet", `--${name}`]]) {
      assertThrows(() => readFlags(TABLE, args), UsageError, message, args.join(" "));
    }
    assertThrows(() => readFlags(TABLE, [`--${name}=`, "80"]), UsageError, message);
  }
});

Deno.test("readFlags() gives a flag that is on or off no value", () => {
  for (const word of ["true", "false", "0"]) {
    assertEquals<Record<string, unknown>>(readFlags(TABLE, ["--quiet", word], "words"), {
      ...DEFAULTS,
      quiet: true,
      _: [word],
    });
    const error = assertThrows(() => readFlags(TABLE, [`--quiet=${word}`]), UsageError);
    assertEquals(error.message, `--quiet: expected no value, got "${word}"`);
  }
});

/** Returns the value that a flag parses, or the message of its error. */
function read(flag: Flag<unknown>, given: string): unknown {
  try {
    return readFlags({ flag }, ["--flag", given]).flag;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

const COUNT = integer("", 0, 1, 9);
const INTEGER = integer("", 0);
const AT_LEAST = integer("", 0, 1);
const DURATION = time("", 1);
const SIZE = size("", 1);
const CHOICE = choice("", ["text", "json"]);
const A_DURATION = "a duration, such as 10, 10s or 500ms";

const GOOD: [flag: Flag<unknown>, given: string, value: unknown][] = [
  [COUNT, "1", 1],
  [COUNT, "9", 9],
  [COUNT, "007", 7],
  [INTEGER, "0", 0],
  [INTEGER, "-5", -5],
  [INTEGER, "9007199254740991", Number.MAX_SAFE_INTEGER],
  [INTEGER, "-9007199254740991", Number.MIN_SAFE_INTEGER],
  [AT_LEAST, "1000000", 1_000_000],
  [DURATION, "10", 10_000],
  [DURATION, "0.5", 500],
  [DURATION, "0.001", 1],
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

const BAD: [flag: Flag<unknown>, expected: string, ...given: string[]][] = [
  [COUNT, "an integer from 1 to 9", "0", "10", "-1", "1.0", "1e0", "x", " 1", "0x1", "٣", "+1"],
  [INTEGER, "an integer", "9007199254740992", "-9007199254740992", "1.5", "--1", "-", "NaN"],
  [AT_LEAST, "an integer of at least 1", "0", "-1", "1_000"],
  [DURATION, A_DURATION, "0", "0.0", "-1", ".5", "1.", "1e3", "Infinity", "0s", "-1s", "1d", "s"],
  [DURATION, A_DURATION, "1 s", "1S", "10 ", "1m30s", "٣"],
  [SIZE, "a size, such as 1MiB or 65536", "0", "0KiB", "-1", "1.5MiB", "1MB", "1 MiB", "1mib", "K"],
  [SIZE, "a size, such as 1MiB or 65536", "9007199254740992", "8388608GiB"],
  [CHOICE, "text or json", "xml", "JSON", "text|json", "te"],
];

Deno.test("readFlags() reads each kind of value", () => {
  for (const [flag, given, value] of GOOD) assertStrictEquals(read(flag, given), value, given);
});

Deno.test("readFlags() throws for a wrong value of each kind, and says what it expected", () => {
  for (const [flag, expected, ...all] of BAD) {
    for (const given of all) {
      const message = `--flag: expected ${expected}, got ${JSON.stringify(given)}`;
      assertStrictEquals(read(flag, given), message);
    }
  }
});

Deno.test("readFlags() rethrows errors of other classes", () => {
  const error = new TypeError("a mistake");
  const parse = () => {
    throw error;
  };
  const table = { flag: value("X", "", parse) };
  assertStrictEquals(assertThrows(() => readFlags(table, ["--flag", "x"])), error);
});

Deno.test("short() gives a flag a letter", () => {
  const table = { connections: short("c", integer("", 1)), quiet: short("q", toggle("")) };
  for (const args of [["-c", "10"], ["-c10"], ["-c=10"], ["--connections=10"]]) {
    assertEquals(readFlags(table, args), { connections: 10, quiet: false, _: [] });
  }
  assertEquals(readFlags(table, ["a", "-q"], "words"), { connections: 1, quiet: true, _: ["a"] });
  assertEquals(readFlags(table, ["--", "-q"], "words"), {
    connections: 1,
    quiet: false,
    _: ["-q"],
  });
  for (const args of [["-c"], ["-c="], ["-c=", "10"]]) {
    assertThrows(() => readFlags(table, args), UsageError, "--connections: expected a value");
  }
  assertThrows(() => readFlags(table, ["-qc"]), UsageError, '--quiet: expected no value, got "c"');
});

Deno.test("many() makes a list of all values", () => {
  const table = { size: many(integer("", undefined)) };
  assertEquals(readFlags(table, []), { size: [], _: [] });
  assertEquals(readFlags(table, ["--size", "1"]), { size: [1], _: [] });
  assertEquals(readFlags(table, ["--size", "1", "a", "--size=2"], "words"), {
    size: [1, 2],
    _: ["a"],
  });
  const wrong = ["--size", "1", "--size", "x"];
  assertThrows(() => readFlags(table, wrong), UsageError, "--size: expected an integer");
});

Deno.test("flagHelp() lists each flag under its heading, and then the syntax of values", () => {
  const { port, quiet, format, timeout, "max-size": maxSize } = TABLE;
  assertStrictEquals(
    flagHelp({ port, quiet }),
    "      --port N  the port\n" +
      "      --quiet   says nothing\n" +
      "  -h, --help    shows this help",
  );
  assertStrictEquals(
    flagHelp({
      ...group("Limits", { count: short("c", many(TABLE.window)), timeout, wait: timeout }),
      ...group("Output", { format, "max-size": maxSize }),
    }),
    "Limits:\n" +
      "  -c, --count N           how many; can be repeated\n" +
      "      --timeout TIME      how long\n" +
      "      --wait TIME         how long\n" +
      "\n" +
      "Output:\n" +
      "      --format text|json  what it looks like\n" +
      "      --max-size SIZE     how much\n" +
      "\n" +
      "  -h, --help              shows this help\n" +
      "\n" +
      "A TIME is in seconds or has a unit: 10, 10s, 500ms, 1m, 1h.\n" +
      "A SIZE is in bytes or has a unit: 65536, 64KiB, 1MiB, 1GiB.",
  );
});

Deno.test("defined() leaves out undefined members, and its type knows their names", () => {
  const options = defined<ServeOptions>({ port: 0, token: undefined, console: false });
  assertEquals<Record<string, unknown>>({ ...options }, { port: 0, console: false });
  // @ts-expect-error -- a misspelled member
  defined<ServeOptions>({ prot: 0 });
});

/** Each flag that takes a time, and the form of its value. */
const TIMES: [command: string, flag: string, value: string][] = [
  ["serve", "--drain-timeout", "TIME"],
  ["serve", "--delay", "TIME"],
  ["serve", "--delay", "TIME..TIME"],
  ["serve", "--delay", "normal:TIME,TIME"],
  ["serve", "--delay", "lognormal:TIME,0.5"],
  ["serve", "--fault", "late=0.1:TIME"],
  ["send", "--timeout", "TIME"],
  ["bench", "--timeout", "TIME"],
  ["bench", "-t", "TIME"],
  ["bench", "--duration", "TIME"],
  ["bench", "-z", "TIME"],
];

Deno.test("all flags take durations with and without a unit", async () => {
  for (const [command, flag, form] of TIMES) {
    for (const [time, isGood] of [["10", true], ["10s", true], ["500ms", true], ["1d", false]]) {
      // The unknown flag ends the command once it has parsed the other one.
      const args = [command, flag, form.replaceAll("TIME", `${time}`), "--nonsense"];
      const { code, stderr } = await runCommand(args);
      assertEquals([code, stderr.includes("--nonsense")], [2, isGood], `${args} ${stderr}`);
    }
    const { stdout } = await runCommand([command, "--help"]);
    assertStringIncludes(stdout, "A TIME is in seconds or has a unit: 10, 10s, 500ms, 1m, 1h.");
  }
});

Deno.test("readFlags() reads a flag whose name begins with no-", () => {
  const table = { "no-retry": toggle("does not retry"), quiet: toggle("says nothing") };
  const read = (...args: string[]) => readFlags(table, args, "words");
  assertEquals(read(), { "no-retry": false, quiet: false, _: [] });
  assertEquals(read("--no-retry", "true"), { "no-retry": true, quiet: false, _: ["true"] });
  for (const args of [["--retry"], ["--no-retry=no"], ["--no-quiet"]]) {
    assertThrows(() => read(...args), UsageError, args[0]!.split("=")[0]!);
  }
});

Deno.test("serve --help shows the default limits of the server", async () => {
  const { stdout } = await runCommand(["serve", "--help"]);
  const { maxPacketSize, ...counts } = DEFAULT_LIMITS;
  const { maxConnections, maxBuffered } = DEFAULT_CONNECTION_LIMITS;
  const numbers = [...Object.values(counts), maxConnections, DEFAULT_PER_ADDRESS];
  const sizes = [maxPacketSize, maxBuffered].map((bytes) => `${bytes / 2 ** 20}MiB`);
  for (const shown of [...numbers, ...sizes, DEFAULT_PORT]) {
    assertStringIncludes(stdout, `[${shown}]`);
  }
});

Deno.test("send and bench share flags: a URL of http, -p, -t and -f", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const flags = ["--url", server.url.replace("ws", "http"), "-p", "2", "-t", "10s", "-f", "-"];
  const stdin = "a&&b&&c";
  const sent = await runCommand(["send", ...flags], { stdin });
  assertEquals([sent.code, JSON.parse(sent.stdout).data], [0, { a: { b: "c" } }]);
  const measured = await runCommand(["bench", ...flags, "-n", "3", "--json"], { stdin });
  assertEquals([measured.code, JSON.parse(measured.stdout).counts.answered], [0, 3]);
});
