/**
 * Full disks, odd lines and odd arguments: what the commands report, and that the rest of their work is done.
 *
 * @module
 */

import { formatCount as count } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { serve } from "../../server.ts";
import { residentMemory } from "../support/machine.ts";
import { type Program, startProgram, startTask, taskArgs } from "../support/program.ts";
import { startOnTerminal, whyNoTerminal } from "../support/terminal.ts";
import { listening } from "../support/server_process.ts";
import { type Outcome, Tally, type TrialOptions } from "./trial.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };

const FULL = "No space left on device (os error 28)";

/** Starts a task with endless input; `$@` in the script is its command line. */
async function startInShell(script: string, task: string, ...more: string[]): Promise<Program> {
  const command = [Deno.execPath(), ...await taskArgs(task), ...more];
  return startProgram("bash", ["-c", script, "bash", ...command]);
}

/** Has each command write to a disk without room: its output, its log and its recording. */
export async function fullDisk({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const requests = isQuick ? 10 : 1000;
  const failures: string[] = [];
  await using server = serve(AT_ONCE);
  const url = ["--url", server.url];
  const commands: [task: string, ...more: string[]][] = [
    ["convert"],
    ["convert", "--help"],
    ["demo"],
    ["send", ...url],
    ["bench", ...url, "-n", "100", "--json"],
  ];
  for (const [task, ...more] of commands) {
    const script = `yes 'a&&b&&c' | exec "$@" > /dev/full`;
    await using program = await startInShell(script, task, ...more);
    const { code, stderr } = await program.result();
    const report = `asyncpkt ${task}: cannot write to stdout: ${FULL}\n`;
    if (code !== 1 || stderr !== report) failures.push(`${task} ended with ${code}: ${stderr}`);
  }

  // A server goes on. Deno needs all permissions to write to a device.
  const serving = [
    "run",
    "--allow-all",
    "main.ts",
    "serve",
    "--port",
    "0",
    "--delay",
    "0",
    "--quiet",
  ];
  const recordings: [path: string, script: string, report: string][] = [
    ["/dev/full", `exec "$@"`, `stopped recording to /dev/full after 0 bytes: ${FULL}`],
    ["-", `exec "$@" 2>&1 > /dev/full`, `cannot write to stdout: ${FULL}`],
  ];
  let lost = 0;
  for (const [path, script, report] of recordings) {
    const command = [Deno.execPath(), ...serving, "--record", path];
    await using server = await listening(
      startProgram("bash", ["-c", script, "bash", ...command]),
    );
    await using client = await Client.connect(server.url);
    const answers = Array.from({ length: requests }, () => client.request("").catch(() => lost++));
    await Promise.all(answers);
    await client.close();
    const { code, stdout, stderr } = await server.stop();
    const lines = [...stdout, ...stderr.split("\n")].filter((line) => line.startsWith("asyncpkt"));
    if (code !== 1 || lines.join("\n") !== `asyncpkt serve: ${report}`) {
      failures.push(`serve --record ${path} ended with ${code}: ${lines.join("\n")}`);
    }
  }
  return {
    extent: `${commands.length} commands whose output is a full disk, and ` +
      `${recordings.length} servers whose recording is one`,
    seen: "each reports it in one line and exits with 1; the servers answer until they are stopped",
    requests: recordings.length * requests,
    lost,
    faults: commands.length + recordings.length,
    failures,
  };
}

/** Pipes lines that no command can use into each, among good ones; one of them has `mebibytes`. */
export async function oddLines({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const [good, mebibytes] = isQuick ? [100, 65] : [10_000, 1024];
  await using server = serve(AT_ONCE);
  const forth = `printf '\\377\\n\\303\\n\\300\\257\\n\\355\\240\\200\\n';
    head -c ${mebibytes}M /dev/zero; echo; seq -f 'a&&b&&%.0f' ${good}`;
  const odd = ["c\\nd", "c\\r", "\\ud800", "\\udc00\\ud800"];
  const representations = [
    ...odd.map((value) => `{"a":{"b":"${value}"}}`),
    '{"\\ufeff":{"b":"c"}}',
  ];
  const back = `printf '%s\\n' '${representations.join("' '")}';
    seq -f '{"a":{"b":"%.0f"}}' ${good}`;
  const commands: [input: string, task: string, ...more: string[]][] = [
    [forth, "send", "--url", server.url],
    [forth, "convert"],
    [back, "convert", "--back"],
  ];
  const failures: string[] = [];
  let lost = 0;
  let memory = 0;
  for (const [input, task, ...more] of commands) {
    await using program = await startInShell(`exec "$@" < <(${input})`, task, ...more);
    const watch = setInterval(async () => {
      memory = Math.max(memory, await residentMemory(program.pid) || 0); // NaN once it has ended
    }, 20);
    const { code, stdout, stderr } = await program.result(300_000)
      .finally(() => clearInterval(watch));
    const values = stdout.map((line) => /(\d+)"?\}*$/.exec(line)?.[1]);
    const missing = good - new Set(values).size + Math.abs(good - values.length);
    if (task === "send") lost += missing;
    else if (missing > 0) failures.push(`${task} ${more}: ${missing} good lines are missing`);
    const refused = [...stderr.matchAll(/^line (\d+): /gm)].map(([, number]) => number);
    if (code !== 1 || String(refused) !== "1,2,3,4,5") {
      failures.push(`${task} ${more} ended with ${code}, and refused the lines ${refused}`);
    }
  }
  return {
    extent:
      `${commands.length} times 5 lines that are not UTF-8, too long (${count(mebibytes)} MiB), ` +
      `or data that no line can hold, before ${count(good)} good ones`,
    seen: `each is refused with its number; memory of ${mib(memory)} at most`,
    requests: good,
    lost,
    badInputs: 5 * commands.length,
    failures,
  };
}

function mib(bytes: number): string {
  return `${count(bytes / 2 ** 20)} MiB`;
}

/** Clears the screen, sets its title, turns text around, hides some. */
const EVIL = "\x1b[2J\x1b]0;x\x07\x9b\r\b\u202e\u200b\u{e0041}\ufeff";

const COMMANDS: readonly string[][] = [
  [EVIL],
  ["completions", EVIL],
  ["convert", `--${EVIL}`],
  ["serve", "--port", EVIL],
  ["serve", "--token-file", `/nonexistent/${EVIL}`],
  ["send", "--url", EVIL, "x"],
  ["send", "--url", `ws://127.0.0.1:1/${EVIL}`, "x"],
  ["send", "--file", EVIL],
  ["bench", "--threshold", EVIL],
  ["work", "--nats", "nats://127.0.0.1:1", "--nats-prefix", EVIL],
];

/** Control characters in arguments and answers; terminals that can only write line after line. */
export async function oddTerminals({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const requests = isQuick ? 10 : 100;
  const failures: string[] = [];
  for (const args of COMMANDS) {
    const run = ["run", "--allow-all", "main.ts", ...args];
    await using program = startProgram(Deno.execPath(), run);
    const { code, stderr } = await program.result();
    if (code === 0 || isEvil(stderr)) failures.push(`${JSON.stringify(args)}: ${code}, ${stderr}`);
  }
  const missing = await whyNoTerminal();
  if (missing !== undefined) failures.push(`no terminal: ${missing}`);
  await using server = serve(AT_ONCE);
  let lost = 0;
  for (const term of missing === undefined ? ["dumb", ""] : []) {
    const args = Array.from({ length: requests }, (_, i) => `${EVIL}&&id&&${i}`);
    await using send = startOnTerminal(Deno.execPath(), [
      ...[...await taskArgs("send"), "--url", server.url, "--chart", ...args],
    ], term);
    await send.result();
    lost += requests - [...send.written.matchAll(/"request_id"/g)].length;
    // Deno itself clears the line while it loads a program.
    const written = send.written.replaceAll("\x1b[0G\x1b[2K\x1b[J", "").replaceAll("\r", "");
    if (isEvil(written)) {
      failures.push(`send wrote control characters with TERM=${term}`);
    }
  }
  return {
    extent:
      `${COMMANDS.length} commands with control and invisible characters in their arguments, ` +
      `and send --chart with such answers on terminals with TERM=dumb and without TERM`,
    requests: 2 * requests,
    lost,
    badInputs: COMMANDS.length,
    failures,
  };
}

function isEvil(text: string): boolean {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return /[\0-\x09\x0b-\x1f\x7f-\x9f\p{Cf}]/u.test(text);
}

/** Replays recordings with a damaged time at their end: `send` names the line, and loses nothing before it. */
export async function damagedRecordings(): Promise<Outcome> {
  const tally = new Tally();
  const times = ["1e300", "1e999", "31622401", "-1e-9", "-1e300", "0.0999999"];
  const before = 20;
  const lineOf = (time: string, id: number) =>
    `{"time":${time},"connection":1,"event":"in","frame":"{\\"request_id\\":${id},\\"data\\":\\"\\"}"}`;
  await using server = serve({ port: 0, delay: { min: 0.1, max: 0.1 } });
  for (const time of times) {
    const lines = Array.from({ length: before }, (_, i) => lineOf("0.1", i));
    lines.push(lineOf(time, before), lineOf("0.2", before + 1), "");
    await using send = await startTask("send", "--quiet", "--url", server.url, "--replay", "-");
    await send.write(lines.join("\n"));
    await send.endInput();
    const { code, stderr, stdout } = await send.result();
    tally.requests += before;
    tally.lost += before - stdout.filter((line) => line.includes('"data":{')).length;
    const isNamed = stderr.includes(`stdin, line ${before + 1}: expected a time from 0.1, `);
    tally.check(code === 2 && isNamed, `the time ${time}: exit code ${code}, ${stderr}`);
  }
  return {
    ...tally,
    extent: `${times.length} times behind ${before} requests: ${times.join(", ")}`,
    badInputs: times.length,
  };
}
