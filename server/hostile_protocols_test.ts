/**
 * Protocols and functions of programs that fail: their errors are reported and answered.
 */

import { assertEquals } from "@std/assert";
import type { Message } from "../protocol/message.ts";
import { Inbox } from "../tests/support/waiting.ts";
import { echoProtocol, type Protocol, type Rule, serve, type ServeOptions } from "../server.ts";

const TRANSPORTS = ["deno", "strict"] as const;

/** A protocol of lines such as "ask 7": each method fails if the line says so. */
const LINES: Protocol = {
  name: "lines",
  read(frame) {
    const text = String(frame);
    if (text === "read") throw new Error("read failed");
    if (text === "none") return [];
    if (text === "nothing") return undefined as unknown as Message[];
    return text.split("\n").map((line) => ({ kind: "request", id: line, value: line }));
  },
  answer({ value }) {
    if (value === "answer") throw new Error("answer failed");
    if (value === "number") return 7 as unknown as string;
    return `answer to ${value}`;
  },
  result(id, result) {
    if (id === "result") throw new Error("result failed");
    return `result of ${id}: ${result}`;
  },
  error(id, { code }) {
    if (id === "error") throw new Error("error failed");
    return `${code} of ${id}`;
  },
};

/** Sends frames one by one; returns what comes back, up to the answer to a last request. */
async function talk(
  options: ServeOptions,
  frames: readonly string[],
): Promise<{ answers: string[]; failures: string[]; inFlight: number }> {
  const failures: string[] = [];
  const events = {
    failed: (id: string, error: unknown) => void failures.push(`${id} ${error}`),
  };
  await using server = serve({ port: 0, delay: 0, protocol: LINES, events, ...options });
  const socket = new WebSocket(server.url);
  const inbox = new Inbox<string>();
  socket.onmessage = ({ data }) => inbox.put(data);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await new Promise((resolve) => socket.onopen = resolve);
  const answers: string[] = [];
  for (const frame of [...frames, "last"]) socket.send(frame);
  for (let answer = ""; !answer.includes("last");) answers.push(answer = await inbox.next());
  const { inFlight } = server;
  socket.close();
  await closed;
  return { answers, failures, inFlight };
}

const WRONG = ["read", "none", "nothing", "a\nanswer\nb", "number", "c"];

for (const websocket of TRANSPORTS) {
  for (const delay of [0, { min: 0.001, max: 0.001 }]) {
    const when = delay === 0 ? "at once" : "later";
    Deno.test(`serve() answers ${when} with a protocol that fails (${websocket})`, async () => {
      const { answers, failures, inFlight } = await talk({ websocket, delay }, WRONG);
      const expected = [
        ...Array(3).fill("internal of null"),
        ...["answer to a", "internal of answer", "answer to b", "internal of number"],
        ...["answer to c", "answer to last"],
      ];
      // Errors come at once.
      if (delay === 0) assertEquals(answers, expected);
      assertEquals(answers.toSorted(), expected.toSorted());
      assertEquals(failures, [
        "null Error: read failed",
        "null TypeError: read(): expected at least one message, got none",
        "null TypeError: Cannot read properties of undefined (reading 'length')",
        '"answer" Error: answer failed',
        '"number" TypeError: answer(): expected a string or a Uint8Array, got 7',
      ]);
      assertEquals(inFlight, 0);
    });
  }
}

Deno.test("serve() reports errors of a protocol in answers and errors of rules", async () => {
  const rules: Rule[] = [
    { match: { id: "last" }, delay: 0.002 },
    { match: { id: "error" }, error: { code: "overloaded" } },
    { match: { id: "late error" }, delay: 0.001, error: { code: "overloaded" } },
    { match: {}, delay: 0.001, answer: 7 },
  ];
  const { answers, failures, inFlight } = await talk(
    { rules },
    ["result", "error", "late error", "fine"],
  );
  assertEquals(answers, [
    "internal of result",
    "overloaded of late error",
    "result of fine: 7",
    "answer to last",
  ]);
  assertEquals(failures.sort(), ['"error" Error: error failed', '"result" Error: result failed']);
  assertEquals(inFlight, 0);
});

Deno.test("serve() answers further requests if an event fails", async () => {
  const failing = () => {
    throw new Error("event failed");
  };
  const rules: Rule[] = [
    { match: { id: "last" }, delay: 0.002 },
    { match: { id: "late error" }, delay: 0.001, error: { code: "overloaded" } },
    { match: { id: "at once" }, error: { code: "overloaded" } },
    { match: {}, delay: 0.001 },
  ];
  const events = { refused: failing, failed: failing, faulted: failing };
  const { answers } = await talk({ rules, events }, ["at once", "late error", "read", "fine"]);
  assertEquals(answers, [
    "internal of at once",
    "internal of null",
    "internal of late error",
    "answer to fine",
    "answer to last",
  ]);
});

Deno.test("serve() does not ask a protocol for answers if a function computes them", async () => {
  const protocol = {
    ...LINES,
    answer: () => {
      throw new Error("not needed");
    },
  };
  const answer = ({ data }: { data: string }) => data.length;
  const { answers, failures } = await talk({ protocol, answer }, ["result", "four"]);
  assertEquals(answers, ["internal of result", "result of four: 4", "result of last: 4"]);
  assertEquals(failures, ['"result" Error: result failed']);
});

Deno.test("serve() answers with bytes of results and errors", async () => {
  const encode = (text: unknown) => new TextEncoder().encode(`bytes ${text}`);
  const protocol: Protocol = {
    ...echoProtocol(),
    result: (_id, result) => encode(result),
    error: (_id, { code }) => encode(code),
  };
  const rules: Rule[] = [
    { match: { nth: 1 }, answer: 1 },
    { match: { nth: 2 }, error: { code: "overloaded" } },
  ];
  await using server = serve({ port: 0, delay: 0, protocol, rules });
  const socket = new WebSocket(server.url);
  const inbox = new Inbox<unknown>();
  socket.onmessage = async ({ data }) => inbox.put(await data.text?.() ?? data);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.onopen = () => ["a", "b", "c"].forEach((text) => socket.send(text));
  const answers = await inbox.take(3);
  assertEquals(answers.map(String).sort(), ["bytes 1", "bytes overloaded", "c"]);
  socket.close();
  await closed;
});
