import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Client, ConnectionError } from "../client.ts";
import { serve, type ServeOptions } from "../server.ts";
import { awaitedLater } from "./support/waiting.ts";
import { makeIdentity } from "./support/certificates.ts";

const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 } };
const SOON: ServeOptions = { port: 0, delay: { min: 0.02, max: 0.02 } };

const [one, two] = await Promise.all([makeIdentity(), makeIdentity()]);

Deno.test("serve() answers over wss and https when the client trusts its authority and has the token", async () => {
  const token = "s3cret";
  await using server = serve({ ...SOON, tls: one.tls, token });
  assertEquals(new URL(server.url).protocol, "wss:");
  await using client = await Client.connect(server.url, { token, caCerts: one.caCerts });
  assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });

  using http = Deno.createHttpClient({ caCerts: one.caCerts });
  const response = await fetch(server.url.replace("wss", "https"), {
    method: "POST",
    body: '{"request_id":1,"data":""}',
    headers: { authorization: `Bearer ${token}`, origin: server.url.replace("wss", "https") },
    client: http,
  });
  assertEquals([response.status, await response.json()], [200, { request_id: 1, data: {} }]);

  const unauthenticated = [{ token, caCerts: two.caCerts }, {
    token: "guess",
    caCerts: one.caCerts,
  }, {
    caCerts: one.caCerts,
  }];
  for (const options of unauthenticated) {
    const error = await assertRejects(() => Client.connect(server.url, options), ConnectionError);
    assertEquals(error.code, "connection_failed");
    assert(!/s3cret|guess/.test(Deno.inspect(error)), Deno.inspect(error));
  }
});

Deno.test("Client.connect() rejects an invalid token without showing it", async () => {
  await using server = serve(SOON);
  const connecting = Client.connect(server.url, { token: "s3cret\r\nX: y" });
  const error = await assertRejects(() => connecting, RangeError);
  assert(!Deno.inspect(error).includes("s3cret"));
});

Deno.test("serve() throws when the certificate or the key is invalid", () => {
  for (const tls of [{ cert: "x", key: one.tls.key }, { cert: one.tls.cert, key: two.tls.key }]) {
    assertThrows(() => serve({ ...SOON, tls }));
  }
});

Deno.test("Server.setCertificate() shows the new certificate to new clients", async () => {
  await using server = serve({ port: 0, delay: { min: 0.3, max: 0.3 }, tls: one.tls });
  const options = { caCerts: one.caCerts, reconnect: false };
  await using before = await Client.connect(server.url, options);
  const inFlight = before.request("a&&b&&d").then(() => "answered", () => "lost");
  await Promise.all([
    server.setCertificate(two.tls),
    server.setCertificate(one.tls),
    server.setCertificate(two.tls),
  ]);
  await using after = await Client.connect(server.url, { caCerts: two.caCerts });
  assertEquals((await after.request("a&&b&&c")).data, { a: { b: "c" } });
  await assertRejects(
    () => Client.connect(server.url, { caCerts: one.caCerts }),
    ConnectionError,
  );
  // Deno 2.9 closes WebSockets when their server no longer listens.
  if (Deno.version.deno.startsWith("2.7.")) assertEquals(await inFlight, "answered");
  await inFlight;
});

Deno.test("Server.setCertificate() keeps the old certificate when the new one is invalid", async () => {
  await using server = serve({ ...SOON, tls: one.tls });
  await using client = await Client.connect(server.url, { caCerts: one.caCerts });
  const broken: [cert: string, key: string, reason: string][] = [
    ["", one.tls.key, "the certificate is not valid PEM"],
    [two.tls.cert, "x", "the key is not valid PEM"],
    [two.tls.cert, one.tls.key, "the key does not belong to the certificate"],
    [two.tls.cert.slice(0, 200), two.tls.key, "the certificate is not valid PEM"],
  ];
  for (const [cert, key, reason] of broken) {
    await assertRejects(() => server.setCertificate({ cert, key }), RangeError, reason);
  }
  await server.setCertificate({ ...one.tls }); // the same: nobody is to notice
  assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
  await using another = await Client.connect(server.url, { caCerts: one.caCerts });
  assertEquals((await another.request("a&&b&&c")).data, { a: { b: "c" } });
  await using plain = serve(SOON);
  await assertRejects(() => plain.setCertificate(one.tls), RangeError, "there is no certificate");
});

for (const websocket of ["deno", "strict"] as const) {
  Deno.test(`Server.setCertificate() keeps the old certificate when Deno rejects a curve: ${websocket}`, async () => {
    const { tls } = await makeIdentity({ curve: "secp256k1" });
    await using server = serve({ ...SOON, websocket, tls: one.tls });
    await assertRejects(() => server.setCertificate(tls), RangeError, "key");
    await using client = await Client.connect(server.url, { caCerts: one.caCerts });
    assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
  });
}

Deno.test("Server.setCertificate() lets answers to earlier POSTs go on", async () => {
  const server = serve({ port: 0, delay: { min: 0.3, max: 0.3 }, tls: one.tls });
  using http = Deno.createHttpClient({ caCerts: one.caCerts });
  const response = await fetch(server.url.replace("wss", "https"), {
    method: "POST",
    body: '[{"request_id":1,"data":""}]',
    client: http,
  });
  await server.setCertificate(two.tls);
  assertEquals(await response.text(), '{"request_id":1,"data":{}}\n');
  await server.drain();
});

Deno.test("Server.drain() ends connections from before a new certificate", async () => {
  const server = serve({ ...LATE, tls: one.tls });
  const client = await Client.connect(server.url, { caCerts: one.caCerts, reconnect: false });
  const renewing = awaitedLater(server.setCertificate(two.tls));
  await server.drain();
  await renewing;
  await client.closed;
  await client.close();
});
