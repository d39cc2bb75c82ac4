import { assertEquals } from "@std/assert";
import { Conversations } from "../conversation/conversations.ts";
import { uniformDelay } from "../delay/policy.ts";
import { FakeTime } from "../testing/fake_time.ts";
import type { Shared } from "./connection.ts";
import { answerPost } from "./http.ts";
import type { IdleWatch } from "./idle.ts";
import { Pump } from "./pump.ts";

Deno.test("answerPost() gives a body 30 s to arrive", async () => {
  const conversations = new Conversations({ delays: uniformDelay({ min: 0, max: 0 }) });
  const shared: Shared = {
    conversations,
    pump: new Pump(conversations, () => {}),
    idle: {} as IdleWatch,
    events: {},
    buffered: 1,
  };
  using time = new FakeTime();
  for (const [patience, status] of [[29_999, 200], [30_000, 408]] as const) {
    let body!: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({ start: (given) => void (body = given) });
    const request = new Request("http://127.0.0.1/", { method: "POST", body: stream });
    body.enqueue(new TextEncoder().encode('{"request_id":1,'));
    let left = 0;
    const answer = answerPost(request, "127.0.0.1", shared, () => left++);
    time.pass(patience);
    if (status === 200) {
      body.enqueue(new TextEncoder().encode('"data":""}'));
      body.close();
    }
    const response = await answer;
    assertEquals([response.status, left], [status, 1]);
    await response.text();
    assertEquals(time.timers, 0);
  }
});
