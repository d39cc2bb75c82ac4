import { assertEquals } from "@std/assert";
import { delayPolicy } from "./delays.ts";
import { faultPolicy } from "./fault_policy.ts";
import { Sessions } from "./sessions.ts";
import type { Tap } from "./tap.ts";

Deno.test("a tap sees every frame, and the start and end of sessions", () => {
  const reported: unknown[] = [];
  const sessions = new Sessions({
    delays: delayPolicy({ min: 0, max: 0 }),
    tap: {
      opened: (...about) => reported.push(["opened", ...about]),
      received: (...about) => reported.push(["received", ...about]),
      sent: (...about) => reported.push(["sent", ...about]),
      closed: (...about) => reported.push(["closed", ...about]),
    },
  });
  const sent: string[] = [];
  const one = sessions.open({ send: (frame) => sent.push(frame) });
  const two = sessions.open({ send: () => {} }, true);
  const request = '{"request_id":1,"data":""}';
  const response = '{"request_id":1,"data":{}}';
  one.receive(request, 0);
  two.receive(new Uint8Array([0xff]), 0);
  sessions.flush();
  sessions.close(one);
  sessions.close(one);
  one.receive(request, 0); // frames after the end are ignored
  two.close(); // as the fault `disconnect` does
  sessions.close(two);
  const invalid = {
    request_id: null,
    error: { code: "invalid_json", message: "the binary frame is not UTF-8" },
  };
  assertEquals(reported, [
    ["opened", 1, false],
    ["opened", 2, true],
    ["received", 1, request],
    ["sent", 1, response],
    ["received", 2, new Uint8Array([0xff])],
    ["sent", 2, JSON.stringify(invalid)],
    ["closed", 1],
    ["closed", 2],
  ]);
  assertEquals(sent, [response]);
});

Deno.test("a tap leaves the faults of the transport to the carrier", () => {
  const tapped: string[] = [];
  const faulty: string[] = [];
  const tap: Tap = {
    opened() {},
    received() {},
    sent: (_connection, frame) => tapped.push(String(frame)),
    closed() {},
  };
  for (const kind of ["drip", "stall"] as const) {
    const sessions = new Sessions({
      delays: delayPolicy({ min: 0, max: 0 }),
      faults: faultPolicy({ [kind]: 1 }),
      tap,
    });
    const session = sessions.open({
      send() {},
      sendFaulty: (kind, frame) => faulty.push(`${kind} ${frame}`),
    });
    session.receive('{"request_id":1,"data":""}', 0);
    sessions.flush();
  }
  const response = '{"request_id":1,"data":{}}';
  assertEquals(faulty, [`drip ${response}`, "stall "]);
  assertEquals(tapped, [response]);
});
