import { assertEquals } from "@std/assert";
import type { RequestId } from "../protocol.ts";
import { AbortWatch } from "./abort_watch.ts";

function watch(): { aborted: [RequestId, unknown][]; watch: AbortWatch } {
  const aborted: [RequestId, unknown][] = [];
  return { aborted, watch: new AbortWatch((id, reason) => aborted.push([id, reason])) };
}

/** A signal that counts its listeners. */
function countingSignal(): { abort: AbortController; listeners(): number } {
  const abort = new AbortController();
  const { signal } = abort;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove(...args));
  return { abort, listeners: () => listeners };
}

Deno.test("AbortWatch reports the requests of an aborted signal, and no others", () => {
  const { aborted, watch: watched } = watch();
  const [one, other] = [new AbortController(), new AbortController()];
  watched.add(one.signal, "1");
  watched.add(one.signal, 1);
  watched.add(one.signal, "settled");
  watched.add(other.signal, "2");
  watched.remove(one.signal, "settled");
  one.abort("why");
  assertEquals(aborted, [["1", "why"], [1, "why"]]);
  other.abort("too");
  assertEquals(aborted.at(-1), ["2", "too"]);
});

Deno.test("AbortWatch adds one listener per signal and removes it with the last request", () => {
  const { watch: watched } = watch();
  const { abort, listeners } = countingSignal();
  for (let id = 0; id < 100; id++) watched.add(abort.signal, id);
  assertEquals(listeners(), 1);
  for (let id = 0; id < 99; id++) watched.remove(abort.signal, id);
  assertEquals(listeners(), 1);
  watched.remove(abort.signal, 99);
  watched.remove(abort.signal, 99);
  assertEquals(listeners(), 0);
  watched.add(abort.signal, 100);
  assertEquals(listeners(), 1);
});
