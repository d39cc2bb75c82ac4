/**
 * Failure tests with every kind of broken JSON, and of frames that are no packets.
 *
 * @module
 */

import { formatCount } from "../../cli/figures.ts";
import { splitTopLevel } from "../../protocol/json_text.ts";
import { BROKEN_BYTES, BROKEN_FRAMES, ODD_FRAMES } from "../support/broken_json.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { plainReplies, withoutDelay, withoutMessage } from "../support/plain.ts";
import { startTask } from "../support/program.ts";
import { startServerProcess } from "../support/server_process.ts";
import { onServer, type Outcome, Tally, type TrialOptions } from "./trial.ts";

/** A frame, and its answers, errors without their messages. */
type Case = readonly [name: string, frame: string | Uint8Array, wanted: readonly string[]];

const encoder = new TextEncoder();

const REFUSED: readonly Case[] = [
  ...BROKEN_FRAMES.map(({ name, text, id, code }): Case => {
    return [name, text, [`{"request_id":${JSON.stringify(id)},"error":{"code":"${code}"}}`]];
  }),
  ...BROKEN_BYTES.map(([name, bytes]): Case => {
    const wanted = ['{"request_id":null,"error":{"code":"invalid_json"}}'];
    return [name, new Uint8Array(bytes), wanted];
  }),
];
const ANSWERED = ODD_FRAMES.map(([name, text]): Case => [name, text, plainReplies(text)]);

/** Sent after each frame to see that the connection goes on. */
const GOOD = '{"request_id":"good","data":"Hub&&name&&qwe"}';
const GOOD_ANSWER = '{"request_id":"good","data":{"Hub":{"name":"qwe"}}}';

/** Sends all kinds of frames in either mode, as text, as bytes, and by POST. */
export async function brokenFrames(): Promise<Outcome> {
  const tally = new Tally();
  const check = (way: string, [name, , wanted]: Case, got: readonly string[]) => {
    if (isRefused(wanted)) tally.badInputs++;
    else tally.requests++;
    if (String(got) === String(wanted)) return;
    tally.lost++;
    tally.failures.push(`${name}, ${way}: want ${wanted}, got ${String(got).slice(0, 200)}`);
  };
  await onServer(tally, startServerProcess(["--delay", "0", "--quiet"]), async ({ url }) => {
    for (const mode of ["", "asyncpkt.v1"]) {
      await using socket = await openBrowserSocket(url, mode === "" ? [] : [mode]);
      for (const each of [...REFUSED, ...ANSWERED]) {
        const [, frame] = each;
        const bytes = typeof frame === "string" ? encoder.encode(frame) : frame;
        for (const form of new Set([frame, bytes])) {
          tally.requests++; // the good one
          check(
            `${mode}, as ${form === bytes ? "bytes" : "text"}`,
            each,
            await answersTo(socket, form),
          );
        }
      }
    }
    for (const each of [...REFUSED, ...ANSWERED]) {
      const [name, body, wanted] = each;
      const init = { method: "POST", body: body as BodyInit };
      const response = await fetch(url.replace("ws", "http"), init);
      check("by POST", each, (await response.text()).trimEnd().split("\n").map(withoutMessage));
      const status = isRefused(wanted) ? 400 : 200;
      tally.check(response.status === status, `${name}, by POST: the status ${response.status}`);
    }
  }, { leaks: 1 }); // fetch() keeps a connection
  return {
    ...tally,
    extent: `${REFUSED.length} kinds of broken frames and ${ANSWERED.length} that only look so, ` +
      "each in plain mode, in asyncpkt.v1 and by POST, as text and as bytes",
  };
}

/** Sends a frame and a good request; returns the answers up to the good one. */
async function answersTo(socket: BrowserSocket, frame: string | Uint8Array): Promise<string[]> {
  socket.send(frame);
  socket.send(GOOD);
  const answers: string[] = [];
  while (true) {
    const text = await socket.frames.next();
    for (const part of text.startsWith("[") ? splitTopLevel(text) : [text]) {
      const answer = withoutMessage(withoutDelay(part));
      if (answer === GOOD_ANSWER) return answers;
      answers.push(answer);
    }
  }
}

function isRefused([answer]: readonly string[]): boolean {
  return answer!.includes('"error"');
}

/** Gives broken packets to `send`, each between two good ones. */
export async function brokenInput({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 20;
  // Those that look like JSON, fit in a line, and are not packets for want of an id, which send makes up.
  const broken = BROKEN_FRAMES.map(({ text }) => text).filter((text) =>
    /^\s*[[{]/.test(text) && !text.includes("\n") && !/"data":"x"\}$/.test(text)
  );
  const lines = Array(rounds).fill(broken).flat().flatMap((text, i) => [`Hub&&id&&${i}`, text]);
  const good = lines.length / 2;
  const ways = [
    { flags: ["--strict"], code: 1, sent: good, verdict: "not sent" },
    { flags: [], code: 0, sent: lines.length, verdict: "sent as plain data" },
  ];
  for (const { flags, code, sent, verdict } of ways) {
    await onServer(tally, startServerProcess(["--delay", "0", "--quiet"]), async ({ url }) => {
      await using send = await startTask("send", "--url", url, "--json", ...flags);
      await send.write(lines.join("\n") + "\n");
      await send.endInput();
      const { stdout, stderr, ...end } = await send.result();
      const answered = new Set(stdout.flatMap((line) => /"Hub":\{"id":"\d+"/.exec(line) ?? []));
      const said = stderr.trimEnd().split("\n");
      const { counts } = JSON.parse(said.pop()!);
      const reported = said.filter((line) => line.includes("is not a packet: "));
      const more = Number(/^not shown: (\S+)/.exec(said.at(-1)!)?.[1]?.replaceAll(",", ""));
      const check = (holds: boolean, what: string) =>
        tally.check(holds, `send ${flags.join(" ")}: ${what}`);
      check(end.code === code, `it ended with ${end.code}, expected ${code}`);
      check(stdout.length === sent, `${stdout.length} answers, expected ${sent}`);
      check(counts.answered === sent, `the summary has ${counts.answered} answers`);
      check(reported.every((line) => line.includes(verdict)), `it said ${reported}`);
      check(reported.length + more === good, `${reported.length} and ${more} were reported`);
      tally.lost += good - answered.size;
      tally.requests += good;
      tally.badInputs += good;
    }, { bystander: false });
  }
  return {
    ...tally,
    extent:
      `${formatCount(broken.length)} kinds of broken packets, ${rounds} times each, between ` +
      "lines of plain data, with --strict and without",
  };
}
