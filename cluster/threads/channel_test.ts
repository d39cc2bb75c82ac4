import { assertEquals, assertRejects } from "@std/assert";
import { Channel, type Functions, type Port } from "./channel.ts";

/** Returns two ports that send each other clones of messages. */
function openPorts(): [Port, Port] {
  const port = (): Port => ({ onmessage: null, postMessage: () => {} });
  const [one, other] = [port(), port()];
  const connect = (from: Port, to: Port) =>
    from.postMessage = (message) => {
      const data = structuredClone(message);
      queueMicrotask(() => to.onmessage!({ data } as MessageEvent));
    };
  connect(one, other);
  connect(other, one);
  return [one, other];
}

function open<Remote extends Functions>(remote: Remote) {
  const [port, remotePort] = openPorts();
  const other = new Channel<Remote, Record<never, never>>(remotePort, remote);
  return { channel: new Channel<Record<never, never>, Remote>(port, {}), other };
}

Deno.test("Channel.call() returns the result of the function at the other end", async () => {
  const { channel } = open({
    add: (a: number, b: number) => a + b,
    later: (value: string) => Promise.resolve(value),
    nothing: () => {},
  });
  const calls = [channel.call("later", "x"), channel.call("add", 1, 2), channel.call("nothing")];
  assertEquals(await Promise.all(calls), ["x", 3, undefined]);
});

Deno.test("Channel.call() throws the error of the function at the other end, with its class", async () => {
  const { channel } = open({
    now: () => {
      throw new RangeError("out of range");
    },
    later: () => Promise.reject(new TypeError("of a wrong type")),
  });
  await assertRejects(() => channel.call("now"), RangeError, "out of range");
  await assertRejects(() => channel.call("later"), TypeError, "of a wrong type");
});

Deno.test("Channel delivers send() and call() in order", async () => {
  const log: number[] = [];
  const { channel } = open({ log: (n: number) => void log.push(n) });
  channel.send("log", 1);
  const called = channel.call("log", 2);
  channel.send("log", 3);
  await called;
  await channel.call("log", 4);
  assertEquals(log, [1, 2, 3, 4]);
});

Deno.test("Channel.close() rejects calls without a result, and ends all traffic", async () => {
  const log: string[] = [];
  const answer = Promise.withResolvers<string>();
  const { channel, other } = open({
    wait: () => answer.promise,
    log: (text: string) => void log.push(text),
  });
  const waiting = channel.call("wait");
  await channel.call("log", "before");
  channel.close(new Error("it is over"));
  answer.resolve("too late");
  await assertRejects(() => waiting, Error, "it is over");
  await assertRejects(() => channel.call("log", "called"), Error, "it is over");
  channel.send("log", "sent");
  other.close(new Error("it is over"));
  await Promise.resolve();
  assertEquals(log, ["before"]);
});
