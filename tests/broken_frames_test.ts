import { assertEquals } from "@std/assert";
import { splitTopLevel } from "../protocol/json_text.ts";
import { serve } from "../server.ts";
import { BROKEN_BYTES, BROKEN_FRAMES, ODD_FRAMES } from "./support/broken_json.ts";
import { type BrowserSocket, openBrowserSocket } from "./support/browser_socket.ts";
import { plainReplies, withoutDelay, withoutMessage } from "./support/plain.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };

/** A frame, the status of its POST, and its answers, errors without their messages. */
type Case = readonly [name: string, frame: string | Uint8Array, status: number, answers: string[]];

const CASES: readonly Case[] = [
  ...BROKEN_FRAMES.map(({ name, text, id, code }): Case => {
    return [name, text, 400, [`{"request_id":${JSON.stringify(id)},"error":{"code":"${code}"}}`]];
  }),
  ...BROKEN_BYTES.map(([name, bytes]): Case => {
    const answer = '{"request_id":null,"error":{"code":"invalid_json"}}';
    return [name, new Uint8Array(bytes), 400, [answer]];
  }),
  ...ODD_FRAMES.map(([name, text]): Case => [name, text, 200, plainReplies(text)]),
];

/** A request that follows each frame, to see that the connection goes on. */
const GOOD = '{"request_id":"good","data":"Hub&&name&&qwe"}';

for (const protocol of ["asyncpkt.plain", "asyncpkt.v1"]) {
  Deno.test(`serve() answers each broken frame with its error and goes on: ${protocol}`, async () => {
    await using server = serve(AT_ONCE);
    await using socket = await openBrowserSocket(server.url, [protocol]);
    for (const [name, frame, , answers] of CASES) {
      const bytes = typeof frame === "string" ? new TextEncoder().encode(frame) : frame;
      for (const form of new Set([frame, bytes])) {
        socket.send(form);
        socket.send(GOOD);
        assertEquals(await answersUpTo(socket, plainReplies(GOOD)[0]!), answers, name);
      }
    }
  });
}

/** Returns the answers before `last`. */
async function answersUpTo(socket: BrowserSocket, last: string): Promise<string[]> {
  const answers: string[] = [];
  while (true) {
    const text = await socket.frames.next();
    for (const part of text.startsWith("[") ? splitTopLevel(text) : [text]) {
      const answer = withoutMessage(withoutDelay(part));
      if (answer === last) return answers;
      answers.push(answer);
    }
  }
}

Deno.test("serve() answers each broken frame with its error and a status: POST", async () => {
  await using server = serve(AT_ONCE);
  for (const [name, frame, status, answers] of CASES) {
    const init = { method: "POST", body: frame as BodyInit };
    const response = await fetch(server.url.replace("ws", "http"), init);
    const lines = (await response.text()).trimEnd().split("\n");
    assertEquals([response.status, lines.map(withoutMessage)], [status, answers], name);
  }
});
