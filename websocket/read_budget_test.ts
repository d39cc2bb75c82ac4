import { assertEquals } from "@std/assert";
import { WebSocketConnection } from "./connection.ts";
import { buildFrame, ZERO_MASK } from "./frames.ts";
import { ReadBudget } from "./read_budget.ts";
import type { ByteStream } from "./streams.ts";

Deno.test("a peer that never stops keeps nobody waiting, if there is a budget", async () => {
  for (const budget of [undefined, new ReadBudget()]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using other = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using accepted = await listener.accept();
    const pong = buildFrame("", { first: 0x8a, mask: ZERO_MASK });
    let left = 16 << 20;
    const stream: ByteStream = {
      read(space) {
        const count = Math.min(left, space.length - space.length % pong.length);
        for (let at = 0; at < count; at += pong.length) space.set(pong, at);
        left -= count;
        return Promise.resolve(left > 0 ? count : null);
      },
      write: (bytes) => Promise.resolve(bytes.length),
      close() {},
      closeWrite: () => Promise.resolve(),
    };
    const connection = new WebSocketConnection(stream, { role: "server", budget });
    const reading = accepted.read(new Uint8Array(1)).then(() => left);
    const running = connection.run(new Uint8Array());
    await other.write(new Uint8Array(1));
    const leftThen = await reading;
    await running;
    assertEquals(leftThen > 0, budget !== undefined, `${leftThen} bytes were left`);
    await budget?.close();
  }
});

Deno.test("a budget is renewed by a timer if its connection could not be opened", async () => {
  const { listen } = Deno;
  Deno.listen = () => {
    throw new Error("no file descriptors, as asked");
  };
  const budget = new ReadBudget();
  Deno.listen = listen;
  for (let i = 0; i < 2; i++) {
    assertEquals(budget.spend(1000), undefined);
    await budget.spend(1 << 20);
  }
  await budget.close();
});
