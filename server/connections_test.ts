import { assert, assertEquals } from "@std/assert";
import { Sessions } from "../session/sessions.ts";
import { realClock } from "../session/clock.ts";
import { delayPolicy } from "../session/delays.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { type ConnectionLimits, Connections, DEFAULT_CONNECTION_LIMITS } from "./connections.ts";
import type { ServerGroup } from "./group.ts";
import { DenoSocket } from "./deno_listener.ts";
import { Driver } from "./driver.ts";
import { ServerStats } from "./stats.ts";

function open(limits: Partial<ConnectionLimits> = {}, group?: ServerGroup) {
  const fail = (error: unknown): never => {
    throw error;
  };
  const sessions = new Sessions({ delays: delayPolicy({ min: 1, max: 1 }) });
  const abandoned: [address: string, count: number][] = [];
  const stats = new ServerStats();
  const connections = new Connections(
    {
      sessions,
      driver: new Driver(sessions, realClock, fail),
      events: { abandoned: (address, count) => abandoned.push([address, count]), failed: fail },
      maxBuffered: 1,
    },
    { ...DEFAULT_CONNECTION_LIMITS, ...limits },
    stats,
    group,
  );
  return { connections, sessions, stats, abandoned };
}

/** A socket with handlers, which records how it was closed. */
class FakeSocket {
  onopen = () => {};
  onerror = () => {};
  onclose = () => {};
  onmessage = (_: { data: unknown }) => {};
  readonly bufferedAmount = 0;
  readonly closes: number[] = [];
  close(code: number): void {
    this.closes.push(code);
  }
}

function add(connections: Connections, leave = () => {}): FakeSocket {
  const socket = new FakeSocket();
  connections.add(new DenoSocket(socket as unknown as WebSocket), "192.0.2.7", false, leave);
  return socket;
}

/** Returns how many clients of an address are admitted, up to `most`. */
function admitted(connections: Connections, address: string, most: number): number {
  let count = 0;
  while (count < most && typeof connections.admit(address) === "function") count++;
  return count;
}

Deno.test("Connections admits 1,000 clients of an address, and more of this machine", () => {
  const { connections } = open();
  assertEquals(admitted(connections, "192.0.2.7", 2000), 1000);
  assertEquals(admitted(connections, "::ffff:192.0.2.7", 1), 0);
  assertEquals(admitted(connections, "2001:db8::1", 2000), 1000);
  for (const address of ["2001:db8:0:0:1::1", "2001:db8:0:0:4:3:2:1", "2001:db8::1%eth0"]) {
    assertEquals(admitted(connections, address, 1), 0, "the same network");
  }
  assertEquals(admitted(connections, "2001:db8:0:1::1", 1), 1, "another");
  assertEquals(admitted(connections, "127.0.0.1", 2000), 2000);
  assertEquals(admitted(connections, "::1", 2000), 2000);
  assertEquals(admitted(connections, "192.0.2.8", 9999), 1000);
  assertEquals(admitted(connections, "127.0.0.1", 9999), 10_000 - 7001, "10,000 in all");
});

Deno.test("Connections applies a given limit to this machine", () => {
  const { connections } = open({ maxConnectionsPerAddress: 2 });
  assertEquals(admitted(connections, "127.0.0.1", 9), 2);
});

Deno.test("Connections has room again when a client has left, once for each", () => {
  const { connections } = open({ maxConnections: 2 });
  const leave = connections.admit("192.0.2.7") as () => void;
  connections.admit("192.0.2.8");
  assert(typeof connections.admit("192.0.2.7") === "string");
  leave();
  leave();
  assertEquals(admitted(connections, "192.0.2.7", 9), 1);
});

Deno.test("admit() counts clients of other servers towards the limits, and reports its own", () => {
  const elsewhere = new Map([[undefined, 5], ["192.0.2.7", 2]]);
  const noted: [network: string, change: number][] = [];
  const { connections } = open({ maxConnections: 8, maxConnectionsPerAddress: 4 }, {
    admittedElsewhere: (network?: string) => elsewhere.get(network as undefined) ?? 0,
    noteAdmitted: (...news: [string, number]) => noted.push(news),
  } as Partial<ServerGroup> as ServerGroup);
  assertEquals(admitted(connections, "192.0.2.7", 9), 2, "4 from this address");
  assertEquals(admitted(connections, "192.0.2.8", 9), 1, "8 in total");
  elsewhere.set(undefined, 4);
  (connections.admit("2001:db8::1") as () => void)();
  assertEquals(noted, [
    ["192.0.2.7", 1],
    ["192.0.2.7", 1],
    ["192.0.2.8", 1],
    ["2001:db8:0:0", 1],
    ["2001:db8:0:0", -1],
  ]);
});

Deno.test("Connections counts an upgrade that does not open in 5 seconds, until it does", async () => {
  using time = new FakeTime();
  const { connections, stats, abandoned } = open();
  const slow = add(connections);
  const never = add(connections);
  add(connections).onopen();
  await new Promise<void>((resolve) => add(connections, resolve).onclose());
  time.pass(3000);
  const later = add(connections);
  time.pass(2000);
  assertEquals([stats.gauges.abandoned, connections.size], [2, 1]);
  later.onopen();
  slow.onopen();
  assertEquals([stats.gauges.abandoned, connections.size], [1, 3]);
  time.pass(60_000);
  assertEquals([stats.gauges.abandoned, abandoned.length, time.timers], [1, 2, 0]);
  assertEquals(abandoned, [["192.0.2.7", 1], ["192.0.2.7", 2]]);
  assertEquals(never.closes, []);
});

Deno.test("Connections counts the end of a connection once, however often Deno reports it", async () => {
  const data = '{"request_id":1,"data":""}';
  const ends: Record<string, (socket: FakeSocket) => void> = {
    "a close twice": (socket) => [socket.onclose(), socket.onclose()],
    "an error, then a close with code 0": (socket) => [socket.onerror(), socket.onclose()],
    "an error alone": (socket) => socket.onerror(),
  };
  for (const [what, end] of Object.entries(ends)) {
    const { connections, sessions } = open();
    let left = 0;
    const [socket, other] = [add(connections, () => left++), add(connections)];
    for (const { onopen } of [socket, other]) onopen();
    for (const { onmessage } of [socket, other]) onmessage({ data });
    assertEquals([connections.size, sessions.inFlight], [2, 2], what);
    end(socket);
    // On Deno 2.7, frames after the end are messages without data.
    for (const after of [data, null]) socket.onmessage({ data: after });
    await Promise.resolve();
    assertEquals([left, connections.size, sessions.inFlight], [1, 1, 1], what);
    other.onmessage({ data: null });
    other.onclose();
    assertEquals(sessions.inFlight, 0, what);
    await Promise.resolve();
    await connections.close(1001, "over");
  }
});

Deno.test("Connections counts the end of a connection that never opened", async () => {
  for (const end of ["onerror", "onclose"] as const) {
    const { connections } = open();
    let left = 0;
    const socket = add(connections, () => left++);
    socket[end]();
    await Promise.resolve();
    assertEquals([left, connections.size], [1, 0], end);
    await connections.close(1001, "over");
  }
});

Deno.test("Connections closes connections that open after it was closed", async () => {
  using time = new FakeTime();
  const { connections } = open();
  const [early, late] = [add(connections), add(connections)];
  early.onopen();
  const closed = connections.close(1001, "over");
  late.onopen();
  assertEquals([early.closes, late.closes, time.timers], [[1001], [1001], 0]);
  early.onclose();
  early.onclose();
  await closed;
});
