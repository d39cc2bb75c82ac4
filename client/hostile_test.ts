import { assertEquals, assertRejects } from "@std/assert";
import { Client, type ClientError } from "../client.ts";
import { HOSTILITIES } from "../tests/stress/hostile_servers.ts";
import { fixRandom } from "../tests/support/random.ts";
import { closeAfterPeer, startRawServer } from "../tests/support/raw_tcp.ts";

for (const { what, attempt } of HOSTILITIES) {
  Deno.test(`Client, on a server that ${what}, settles in time and once`, async () => {
    using _ = fixRandom(0.02); // it waits little until it connects again
    assertEquals(await attempt(), undefined);
  });
}

Deno.test("Client.connect() cannot see a Sec-WebSocket-Accept that is wrong", async () => {
  // Deno does not look at it and shows it to nobody; what matters is that it does no harm.
  await using server = startRawServer(async (connection) => {
    await connection.read(new Uint8Array(4096));
    const head =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    await connection.write(new TextEncoder().encode(`${head}Sec-WebSocket-Accept: AAAA\r\n\r\n`));
    await closeAfterPeer(connection);
  });
  await using client = await Client.connect(server.url);
  const error = await assertRejects(() => client.request("", { timeout: 30 })) as ClientError;
  assertEquals(error.code, "timed_out");
});
