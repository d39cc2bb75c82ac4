import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  answerKey,
  checkUpgradeRequest,
  checkUpgradeResponse,
  createKey,
  HandshakeError,
  HeadReader,
  parseHead,
  upgradeRequest,
  upgradeResponse,
} from "./handshake.ts";

const encoder = new TextEncoder();

/** The key and the answer of RFC 6455, section 1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ANSWER = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

Deno.test("answerKey() returns the RFC's answer to the RFC's key", async () => {
  assertEquals(await answerKey(KEY), ANSWER);
});

Deno.test("createKey() returns 16 bytes in Base64, another each time", () => {
  assertEquals(atob(createKey()).length, 16);
  assertNotEquals(createKey(), createKey());
});

Deno.test("upgradeRequest() and upgradeResponse() agree with each other", async () => {
  const key = createKey();
  for (const protocol of [undefined, "asyncpkt.v1"]) {
    const request = upgradeRequest({
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Protocol": protocol,
    }, "/path?query");
    const checked = checkUpgradeRequest(parseHead(request));
    assertEquals(checked, { key, protocols: protocol ? [protocol] : [] });
    const response = await upgradeResponse(checked.key, protocol);
    const agreed = await checkUpgradeResponse(parseHead(response), key, "asyncpkt.v1");
    assertEquals(agreed, protocol ?? "");
  }
});

Deno.test("parseHead() joins headers of the same name, and skips lines without a colon", () => {
  const { start, headers } = parseHead("GET / HTTP/1.1\r\nA: 1 \r\nb:2\r\nnone\r\na: 3\r\n\r\n");
  assertEquals([start, ...headers], ["GET / HTTP/1.1", ["a", "1, 3"], ["b", "2"]]);
});

Deno.test("HeadReader finds the end of a head, however its bytes are cut", () => {
  const bytes = encoder.encode("HTTP/1.1 101 x\r\na: b\r\n\r\nrest");
  for (const size of [1, 2, 3, 5, 100]) {
    const reader = new HeadReader("client");
    let at = 0;
    let read: ReturnType<HeadReader["write"]>;
    while ((read = reader.write(bytes.subarray(at, at + size))) === undefined) at += size;
    assertEquals([read.head.start, ...read.head.headers], ["HTTP/1.1 101 x", ["a", "b"]]);
    assertEquals(
      new TextDecoder().decode(read.rest) + new TextDecoder().decode(bytes.subarray(at + size)),
      "rest",
    );
  }
});

Deno.test("HeadReader throws when a head is longer than 16 KiB", () => {
  const line = encoder.encode("a: b\r\n");
  const write = (count: number) => {
    const reader = new HeadReader("server");
    for (let i = 0; i < count; i++) reader.write(line);
  };
  write(Math.floor((1 << 14) / line.length));
  assertThrows(() => write(Math.ceil((1 << 14) / line.length)), HandshakeError, "16 KiB");
});

Deno.test("HeadReader throws at once when a response is not HTTP", () => {
  const cases: [bytes: string, message: string][] = [
    ["2", 'answered "2", which is not HTTP'],
    ["220 mail.example.com\r\nmore", 'answered "220 mail.example.com", which is not HTTP'],
    ["HTTX", 'answered "HTTX", which is not HTTP'],
    ["\x15\x03\x01", "the server speaks TLS"],
  ];
  for (const [bytes, message] of cases) {
    const write = () => new HeadReader("client").write(encoder.encode(bytes));
    assertThrows(write, HandshakeError, message);
  }
  assertEquals(new HeadReader("client").write(encoder.encode("HTT")), undefined);
});

Deno.test("checkUpgradeResponse() rejects servers that do not agree", async () => {
  const good = await upgradeResponse(KEY, "asyncpkt.v1");
  const cases: [head: string, message: string][] = [
    ["HTTP/1.1 404 Not Found\r\n\r\n", "status 404, not with a WebSocket: no such page"],
    ["HTTP/1.0 101 Switching Protocols\r\n\r\n", "status 101, not with a WebSocket"],
    ["HTTP/what", 'answered "HTTP/what", which is not HTTP'],
    ["", 'answered "", which is not HTTP'],
    [good.replace(ANSWER, "AAAA"), "did not answer the key"],
    [good.replace("asyncpkt.v1", "other"), 'chose the subprotocol "other", which was not offered'],
  ];
  for (const [head, message] of cases) {
    const checked = checkUpgradeResponse(parseHead(head), KEY, "asyncpkt.v1", "no such page");
    await assertRejects(() => checked, HandshakeError, message);
  }
});

Deno.test("checkUpgradeRequest() throws on requests that do not ask for a WebSocket", () => {
  const cases: [head: string, message: string][] = [
    [upgradeRequest().replace("GET", "POST"), "the client said POST / HTTP/1.1"],
    [upgradeRequest().replace("HTTP/1.1", "HTTP/1.0"), "the client said GET / HTTP/1.0"],
    [upgradeRequest({ "Host": undefined }), "no Host"],
    [upgradeRequest({ "Upgrade": "h2c" }), "did not ask for a WebSocket"],
    [upgradeRequest({ "Upgrade": undefined }), "did not ask for a WebSocket"],
    [upgradeRequest({ "Connection": "keep-alive" }), "did not ask for a WebSocket"],
    [upgradeRequest({ "Sec-WebSocket-Key": undefined }), 'Base64, got ""'],
    [upgradeRequest({ "Sec-WebSocket-Key": "short" }), 'Base64, got "short"'],
    [upgradeRequest({ "Sec-WebSocket-Version": "8" }), "must be 13, got 8"],
  ];
  for (const [head, message] of cases) {
    assertThrows(() => checkUpgradeRequest(parseHead(head)), HandshakeError, message);
  }
  const lenient = upgradeRequest({ "Upgrade": "WebSocket", "Connection": "keep-alive, upgrade" });
  assertEquals(checkUpgradeRequest(parseHead(lenient)).key, KEY);
});
