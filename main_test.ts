import { assert, assertEquals, assertMatch } from "@std/assert";
import { openStdin, runCommand } from "./tests/support/fake_streams.ts";

const COMMANDS = [
  "serve",
  "work",
  "send",
  "convert",
  "plan",
  "bench",
  "demo",
  "health",
  "doctor",
  "completions",
];
const LISTS_ALL = '"asyncpkt help" lists all commands';

Deno.test("main() shows the help of the program and of each command", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await runCommand(args);
    assertEquals([code, stderr], [0, ""]);
    for (const name of COMMANDS) assertMatch(stdout, new RegExp(`^  ${name} `, "m"));
  }
  for (const name of COMMANDS) {
    for (const args of [[name, "--help"], [name, "-h"], [name, "--x", "--help"], ["help", name]]) {
      const { code, stdout, stderr } = await runCommand(args);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, new RegExp(`^Usage: asyncpkt ${name}\\b`, "m"));
      assertMatch(stdout, new RegExp(`^Examples:\n  .*asyncpkt ${name}\\b`, "m"));
      assertMatch(stdout, /^ {2}-h, --help +shows this help$/m);
      assert(stdout.split("\n").every((line) => line.length <= 100));
    }
  }
});

Deno.test("main() shows the version", async () => {
  const { code, stdout } = await runCommand(["--version"]);
  const project = JSON.parse(await Deno.readTextFile(new URL("./deno.json", import.meta.url)));
  assertEquals(code, 0);
  assert(stdout.startsWith(`asyncpkt ${project.version} (Deno ${Deno.version.deno},`), stdout);
});

Deno.test("main() shows the help on stderr without arguments", async () => {
  const { code, stdout, stderr } = await runCommand([]);
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^Usage: asyncpkt COMMAND/m);
});

Deno.test("main() suggests the closest command for an unknown one", async () => {
  const cases = [
    ["srve", "did you mean serve?"],
    ["sned", "did you mean send?"],
    ["toString", LISTS_ALL],
    ["__proto__", LISTS_ALL],
    ["--nonsense", LISTS_ALL],
    ["\x1b[2J", LISTS_ALL],
    ["", LISTS_ALL],
  ];
  for (const [name, hint] of cases) {
    const { code, stdout, stderr } = await runCommand([name!]);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(stderr, `asyncpkt: unknown command ${JSON.stringify(name)}; ${hint}\n`);
    const help = await runCommand(["help", name!]);
    assertEquals([help.code, help.stdout], [2, ""]);
    assertEquals(help.stderr, `asyncpkt help: unknown command ${JSON.stringify(name)}; ${hint}\n`);
  }
});

const WRONG: [args: string[], ...named: (string | RegExp)[]][] = [
  [["serve", "--nonsense"], "--nonsense"],
  [["serve", "--nonsense=1"], "--nonsense"],
  [["serve", "-x"], "-x"],
  [["serve", "--__proto__", "x"], "--__proto__"],
  [["send", "--constructor=1", "x"], "--constructor"],
  [["serve", "here"], '"here"'],
  [["serve", "--port", "http"], "--port", '"http"', "from 0 to 65535"],
  [["serve", "--port", "65536"], "--port", '"65536"', "65535"],
  [["serve", "--port", "-1"], "--port", '"-1"'],
  [["serve", "--port", "80.5"], "--port", '"80.5"'],
  [["serve", "--port"], "--port", "expected a value, as in --port N"],
  [["serve", "--port="], "--port", "expected a value, as in --port N"],
  [["serve", "--port", ""], "--port", "expected a value, as in --port N"],
  [["serve", "--delay", "5..1"], "--delay", '"5..1"', "such as 1..5"],
  [["serve", "--delay", "-1"], "--delay", '"-1"'],
  [["serve", "--delay", "soon"], "--delay", '"soon"'],
  [["serve", "--delay", "1..1e9"], "--delay", '"1..1e9"'],
  [["serve", "--delay", "normal:3"], "--delay", '"normal:3"', "normal:3,0.5"],
  [["serve", "--fault", "drop"], "--fault", '"drop"', "drop=0.01"],
  [["serve", "--fault", "dorp=0.1"], "--fault", '"dorp"', "drop, error"],
  [["serve", "--fault", "drop=0.6,error=0.6"], "--fault", "1.2", "at most 1"],
  [["serve", "--fault", "drop=0.1,stall=0.1"], "--fault stall needs --websocket strict"],
  [["serve", "--refuse", "1"], "--refuse needs --websocket strict"],
  [["serve", "--handshake-delay", "1s"], "--handshake-delay needs --websocket strict"],
  [["serve", "--journal", "10"], "--journal needs --control"],
  [["serve", "--control", "--journal", "0"], "--journal", '"0"', "at least 1"],
  [["serve", "--control=yes"], "--control", "expected no value"],
  [["serve", "--clock", "fast"], "--clock", '"fast"', "expected real, skip, manual, or x"],
  [["serve", "--clock", "x0.5"], "--clock", '"x0.5"', "from 1 to 1000000"],
  [["serve", "--workers", "2", "--control"], "--control needs one worker", "one thread"],
  [["serve", "--workers", "2", "--clock", "skip"], "--clock needs one worker"],
  [["serve", "--websocket", "none"], "--websocket", '"none"', "deno or strict"],
  [["serve", "--seed", "x"], "--seed", '"x"', "integer"],
  [["serve", "--seed", "9007199254740993"], "--seed", "9007199254740993"],
  [["serve", "--log-format", "xml"], "--log-format", '"xml"', "text or json"],
  [["serve", "--max-packet-size", "1MB"], "--max-packet-size", '"1MB"', "1MiB"],
  [["serve", "--max-packet-size", "0"], "--max-packet-size", '"0"'],
  [["serve", "--max-in-flight", "0"], "--max-in-flight", '"0"', "at least 1"],
  [["serve", "--max-in-flight-total", "0"], "--max-in-flight-total", '"0"', "at least 1"],
  [["serve", "--max-connections", "-1"], "--max-connections", '"-1"', "at least 1"],
  [["serve", "--max-connections-per-address", "x"], "--max-connections-per-address", '"x"'],
  [["serve", "--max-wrong", "1.5"], "--max-wrong", '"1.5"', "at least 1"],
  [["serve", "--max-buffered", "16MB"], "--max-buffered", '"16MB"', "1MiB"],
  [["serve", "--drain-timeout", "0"], "--drain-timeout", '"0"', "such as 10"],
  [["serve", "--quiet=no"], "--quiet"],
  [["serve", "--token", "s3cret"], "unknown flag --token"],
  [["serve", "--token-file", "/nonexistent"], "/nonexistent", "no such file"],
  [["serve", "--token-file", "/dev/null"], "/dev/null", "letters, digits", "got an empty text"],
  [["serve", "--token-file", "README.md"], "README.md", "got other characters"],
  [["serve", "--allow-origin", "*"], "--allow-origin", '"*"', "such as https://"],
  [["serve", "--cert", "README.md"], "expected --cert and --key, got only --cert"],
  [["serve", "--key", "README.md"], "expected --cert and --key, got only --key"],
  [["serve", "--workers", "2", "--nats", "nats://x"], "--nats and --workers exclude each other"],
  [["serve", "--cert", "/nonexistent", "--key", "README.md"], "/nonexistent", "no such file"],
  [["serve", "--cert", "LICENSE", "--key", "README.md"], "cannot use LICENSE with README.md"],
  [["send", "--token-file", "/nonexistent", "x"], "/nonexistent", "no such file"],
  [["send", "--ca", "/nonexistent", "x"], "/nonexistent", "no such file"],
  [["send", "--ca", "README.md", "x"], "--ca README.md", "expected a certificate"],
  [["bench", "--token-file", "/dev/null"], "/dev/null", "got an empty text"],
  [["send", "--concurrency", "none", "x"], "--concurrency", '"none"', "at least 1"],
  [["send", "--timeout", "0", "x"], "--timeout", '"0"', "such as 10"],
  [["send", "--timeout", "10x", "x"], "--timeout", '"10x"'],
  [["send", "--id", "1", "x", "y"], "--id", "2"],
  [["send", "--id", "1"], "--id"],
  [["send", "--file", "x", "y"], "--file"],
  [["send", "--strict", "--replay", "x"], "--strict", "--replay"],
  [["send", "--file", "/nonexistent"], "/nonexistent", "no such file"],
  [["send", "--url", "nonsense", "x"], "--url", "nonsense"],
  [["send", "--url", "ftp://x", "x"], "--url", "ftp"],
  [["convert", "file"], '"file"', "stdin"],
  [["convert", "--forth"], "--forth"],
  [["demo", "more"], '"more"'],
  [["health", "--url", "ftp://x"], "--url", "ftp"],
  [["health", "x"], '"x"'],
  [["health", "--ca", "README.md"], "--ca README.md", "expected a certificate"],
  [["doctor", "--json"], "--json"],
  [["plan", "a"], "expected --seed N, got none"],
  [["plan", "--delay", "2", "--fault", "drop=0.1", "a"], "which requests meet a fault"],
  [["plan", "--seed", "x", "a"], "--seed", '"x"'],
  [["plan", "--rules", "README.md", "a"], "README.md:1:1: Unexpected token '#'"],
  [["help", "serve", "more"], "expected one command", '"more"'],
  [["completions"], '""', "bash, zsh, or fish"],
  [["completions", "csh"], '"csh"', "bash, zsh, or fish"],
  [["completions", "toString"], '"toString"'],
  [["completions", "bash", "zsh"], '"bash zsh"'],
];

Deno.test("main() explains a wrong command line in one line of stderr, with exit code 2", async () => {
  for (const [args, ...named] of WRONG) {
    const { code, stdout, stderr } = await runCommand(args, { terminals: [] });
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, new RegExp(`^asyncpkt ${args[0]}: [^\n]+\n$`), args.join(" "));
    for (const text of named) assert(stderr.includes(String(text)), `${args}: ${stderr}`);
  }
});

Deno.test("commands show the help instead of waiting when stdin is a terminal", async () => {
  for (const name of ["send", "convert", "plan"]) {
    const { code, stdout, stderr } = await runCommand([name], {
      stdin: openStdin().readable,
      terminals: ["stdin"],
    });
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, new RegExp(`^Usage: asyncpkt ${name}`, "m"));
  }
});
