import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { curlOf, snippetsFor } from "./snippets.ts";

const OPEN = { url: "http://localhost:2707/", hasToken: false };
const LOCKED = { url: "https://example.com/packets/", hasToken: true };

Deno.test("curlOf() quotes the frame for a shell", () => {
  assertEquals(
    curlOf(`{"request_id":"it's","data":"$HOME"}`, OPEN),
    `curl --data-raw '{"request_id":"it'\\''s","data":"$HOME"}' 'http://localhost:2707/'`,
  );
});

Deno.test("curlOf() takes the token from the environment", () => {
  assertStringIncludes(curlOf("{}", LOCKED), '-H "authorization: Bearer $ASYNCPKT_TOKEN" ');
});

Deno.test("snippetsFor() addresses the server's WebSocket, with a token if it needs one", () => {
  const open = snippetsFor(OPEN);
  for (const text of [open.Python, open.Node]) {
    assertStringIncludes(text, '"ws://localhost:2707/"');
    assertEquals(text.includes("TOKEN"), false);
  }
  const locked = snippetsFor(LOCKED);
  for (const text of [locked.Python, locked.Node]) {
    assertMatch(text, /"wss:\/\/example\.com\/packets\/"[^]*ASYNCPKT_TOKEN/);
  }
});
