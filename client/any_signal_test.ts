import { assertEquals, assertStrictEquals } from "@std/assert";
import { anySignal } from "./any_signal.ts";

Deno.test("anySignal() is aborted with the reason of the first signal that is", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const joined = anySignal(one.signal, other.signal);
  assertStrictEquals(joined.aborted, false);
  other.abort("first");
  one.abort("second");
  assertEquals([joined.aborted, joined.reason], [true, "first"]);
  assertStrictEquals(anySignal(new AbortController().signal, one.signal).reason, "second");
});

Deno.test("anySignal() ends a stream, whatever the garbage collector does before", async () => {
  const module = new URL("./any_signal.ts", import.meta.url);
  const script = `
    import { anySignal } from "${module}";
    const [one, other] = [new AbortController(), new AbortController()];
    async function read() {
      const idle = new ReadableStream({ start: (controller) => controller.enqueue(1) });
      const signal = anySignal(one.signal, other.signal);
      try {
        for await (const _ of idle.pipeThrough(new TransformStream(), { signal }));
      } catch (error) {
        console.log(error);
      }
    }
    const ended = read();
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve));
      gc();
    }
    other.abort("as asked");
    await ended;`;
  const args = ["eval", "--v8-flags=--expose-gc", script];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertStrictEquals(new TextDecoder().decode(stdout), "as asked\n");
});
