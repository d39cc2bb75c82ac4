/**
 * Names that V8's JSON.parse() takes for others: one client's packets make it expect them, another's
 * valid packets spell the names of the protocol with escapes. All must get their answers, and the
 * library must report the names that the data has.
 *
 * @module
 */

import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { openBrowserSocket } from "../support/browser_socket.ts";
import { plainConvertToJson, plainReplies } from "../support/plain.ts";
import { randomIntegers } from "../support/random.ts";
import { startServerProcess } from "../support/server_process.ts";
import { onServer, type Outcome, Tally, type TrialOptions } from "./trial.ts";

/** Parts of names that JSON spells with an escape, and others. */
const PARTS = ['"', "\\", "\n", "\t", "\0", "a", "é", "u0"];

/** Tries names with escapes on a server. */
export async function escapedNames({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const count = isQuick ? 50 : 1000;
  const random = randomIntegers(seed);
  const compare = (what: string, got: string, want: string) => {
    tally.requests++;
    if (got === want || tally.lost++ >= 20) return;
    tally.failures.push(`${what}: want ${want}, got ${got.slice(0, 200)}`);
  };
  await onServer(tally, startServerProcess(["--delay", "0", "--quiet"]), async ({ url }) => {
    await using odd = await openBrowserSocket(url);
    await using other = await openBrowserSocket(url);
    for (let i = 0; i < count; i++) {
      // V8 expects a name where it has seen no other, in an object of as many members: so each pair
      // begins with a name of its own, and both have four members.
      const packetOf = (id: string, data: string, more: string) =>
        `{"${i}th":0,"${id}":${i},"${data}":"Hub&&id&&${i}",${more}}`;
      const isId = random(2) === 0;
      const name = escaped(isId ? "request_id" : "data", random);
      const misleading = JSON.stringify(mistaken(name)).slice(1, -1);
      const frame = isId ? packetOf(name, "data", '"v":1') : packetOf("request_id", name, '"v":1');
      // It has the right name as well: too many wrong packets in a row would end the connection.
      const before = isId
        ? packetOf(misleading, "data", `"request_id":${i}`)
        : packetOf("request_id", misleading, '"data":""');
      for (const [socket, packet] of [[odd, before], [other, frame]] as const) {
        socket.send(packet);
        const got = await socket.frames.next().catch(() => "none");
        compare(packet, got, plainReplies(packet)[0]!);
      }
      const response = await fetch(url.replace("ws", "http"), { method: "POST", body: frame });
      compare(`${frame} by POST`, (await response.text()).trimEnd(), plainReplies(frame)[0]!);
    }

    await using client = await Client.connect(url);
    const datas = Array.from({ length: count }, (_, i) => {
      const name = Array.from({ length: 1 + random(3) }, () => PARTS[random(PARTS.length)]).join(
        "",
      );
      const other = mistaken(JSON.stringify(name).slice(1, -1));
      return `first&&${i}th&&0&&${other}&&1%%second&&${i}th&&0&&${name}&&1`;
    });
    for await (const { index, reply, error } of client.requests(datas)) {
      const got = error === undefined ? JSON.stringify(reply!.data) : String(error);
      const what = `the library, ${JSON.stringify(datas[index])}`;
      compare(what, got, plainConvertToJson(datas[index]!));
    }
  }, { bystander: false, leaks: 1 }); // fetch() keeps a connection
  return {
    ...tally,
    extent:
      `${formatCount(count)} pairs of packets on two connections, where the first misleads V8 ` +
      `about the names of the second, and ${
        formatCount(count)
      } replies to the library; seed ${seed}`,
  };
}

/** Spells a name of ASCII with an escape, at least one. */
function escaped(name: string, random: (limit: number) => number): string {
  const at = random(name.length);
  return Array.from(name, (char, i) => {
    const isPlain = i !== at && random(2) === 0;
    return isPlain ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  }).join("");
}

/** The name that V8 mistakes a name for: the beginning of its spelling, of the length that it has. */
function mistaken(spelled: string): string {
  return spelled.slice(0, JSON.parse(`"${spelled}"`).length);
}
