import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  CASES,
  FRIEND,
  HERE,
  type Kind,
  KINDS,
  OFFER,
  TOKEN,
  UPGRADE,
} from "../tests/support/unauthorized.ts";
import { Access, chooseProtocol, parseOrigin } from "./auth.ts";
import { isLoopback } from "./address.ts";
import { Secret } from "./secret.ts";

const servers = Object.fromEntries(
  Object.entries(KINDS).map(([kind, { isLocked, ...options }]) => [
    kind,
    new Access({ ...options, secret: isLocked && new Secret(TOKEN) }),
  ]),
) as Record<Kind, Access>;
const { local, locked, wide } = servers;

/** A request; a header of `undefined` is left out. */
function request(method: string, url: string, headers: Record<string, string | undefined> = {}) {
  const given = Object.entries({ host: new URL(url).host, ...headers })
    .filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Request(url, { method, headers: new Headers(given) });
}

Deno.test("Access.decide() lets in whom it should, and says with which status it does not", () => {
  for (const [what, kind, [method, url, headers], expected] of CASES) {
    const decision = servers[kind].decide(request(method, url, headers));
    assertEquals(decision instanceof Response ? decision.status : decision, expected, what);
  }
});

Deno.test("Access.decide() says in a refusal what would be right, and never the token", async () => {
  const table: [Response | string, header: string, value: string][] = [
    [locked.decide(request("POST", HERE)), "www-authenticate", 'Bearer realm="asyncpkt"'],
    [local.decide(request("PUT", HERE)), "allow", "GET, HEAD, POST"],
    [local.decide(request("PUT", `${HERE}healthz`)), "allow", "GET, HEAD"],
    [local.decide(request("PUT", `${HERE}console.css`)), "allow", "GET, HEAD"],
    [
      local.decide(request("GET", HERE, { ...UPGRADE, "sec-websocket-version": "8" })),
      "sec-websocket-version",
      "13",
    ],
  ];
  for (const [response, header, value] of table) {
    assert(response instanceof Response);
    assertEquals(response.headers.get(header), value);
    assert(!(await response.text()).includes(TOKEN));
  }
  const foreign = local.decide(request("POST", "http://evil.example/"));
  assertStringIncludes(await (foreign as Response).text(), "evil.example is not this server");
});

Deno.test("Access.shareWith() lets allowed pages read answers, and no others", () => {
  const origins = { [FRIEND]: FRIEND, "https://evil.example": undefined, "null": undefined };
  for (const [origin, expected] of Object.entries(origins)) {
    const headers = wide.shareWith(request("POST", HERE, { origin }));
    assertEquals(headers["access-control-allow-origin"], expected);
  }
  assertEquals(wide.shareWith(request("POST", HERE)), {});
});

Deno.test("chooseProtocol() takes the first that it knows, never a token", () => {
  const table: Record<string, string | undefined> = {
    "": undefined,
    "asyncpkt.v1": "asyncpkt.v1",
    "a,asyncpkt.plain , asyncpkt.v1": "asyncpkt.plain",
    [`${OFFER}, asyncpkt.v1`]: "asyncpkt.v1",
    [`${OFFER}, asyncpkt.plain`]: "asyncpkt.plain",
    [OFFER]: undefined,
  };
  for (const [offers, expected] of Object.entries(table)) {
    const offering = request("GET", HERE, { "sec-websocket-protocol": offers });
    assertEquals(chooseProtocol(offering), expected, offers);
  }
});

Deno.test("isLoopback() tells this machine from the rest", () => {
  for (const hostname of ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]"]) {
    assert(isLoopback(hostname), hostname);
  }
  for (const hostname of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example"]) {
    assert(!isLoopback(hostname), hostname);
  }
});

Deno.test("parseOrigin() takes origins and nothing else", () => {
  assertEquals(parseOrigin("HTTPS://Friend.example:443/"), FRIEND);
  assertEquals(parseOrigin("http://127.0.0.1:3000"), "http://127.0.0.1:3000");
  for (
    const text of ["null", "*", "friend.example", `${FRIEND}/x`, "https://a@b", "file:///", ""]
  ) {
    assertThrows(() => parseOrigin(text), RangeError, `such as https://example.com, got`);
  }
});
