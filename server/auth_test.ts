import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { serve } from "../server.ts";
import { exchange } from "../tests/support/raw_tcp.ts";
import { isLoopback } from "./address.ts";
import { Access, type AccessOptions, chooseProtocol, parseOrigin, type Purpose } from "./auth.ts";

/** The token of a server that has one. */
const TOKEN = "s3cret+/=";
/** The token as a subprotocol, for pages. */
const OFFER = `asyncpkt.token.${encodeURIComponent(TOKEN)}`;
const BEARER = { authorization: `Bearer ${TOKEN}` };
/** An allowed origin. */
const FRIEND = "https://friend.example";
const PREFLIGHT = { "access-control-request-method": "POST" };
const HTML = { accept: "text/html,*/*;q=0.8" };
/** The headers of an upgrade. */
const UPGRADE = {
  "upgrade": "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A kind of server. */
type Kind = "local" | "named" | "wide" | "plain" | "locked" | "steered";

/** Options of each kind of server. */
const KINDS: Readonly<Record<Kind, AccessOptions>> = {
  local: { hostname: "127.0.0.1", allowOrigins: [], console: true },
  named: { hostname: "Box.lan", allowOrigins: [FRIEND], console: true },
  wide: { hostname: "0.0.0.0", allowOrigins: [FRIEND], console: true },
  plain: { hostname: "127.0.0.1", allowOrigins: [FRIEND], console: false },
  steered: { hostname: "127.0.0.1", allowOrigins: [FRIEND], token: TOKEN, control: true },
  locked: { hostname: "127.0.0.1", allowOrigins: [FRIEND], console: true, token: TOKEN },
};

/** A method, a URL, and headers; `undefined` leaves out a header. */
type Asking = [method: string, url: string, headers?: Record<string, string | undefined>];

/** A request, and what it may do, or the status that refuses it. */
type Case = readonly [what: string, kind: Kind, asking: Asking, expected: Purpose | number];

const HERE = "http://127.0.0.1:2707/";

const CASES: readonly Case[] = [
  ["an upgrade", "local", ["GET", HERE, UPGRADE], "upgrade"],
  ["a POST", "local", ["POST", HERE], "post"],
  ["a POST without a Host", "local", ["POST", HERE, { host: undefined }], "post"],
  ["a look at its health", "local", ["GET", `${HERE}healthz`], "health"],
  ["a look at its metrics", "local", ["GET", `${HERE}metrics`], "metrics"],
  ["a browser", "local", ["GET", HERE, HTML], "console"],
  ["a browser for the script", "local", ["GET", `${HERE}console.js`], "console"],
  ["a HEAD of the page", "local", ["HEAD", HERE, HTML], "console"],
  ["a HEAD of the script", "local", ["HEAD", `${HERE}console.js`], "console"],
  ["a POST to the script", "local", ["POST", `${HERE}console.js`], 405],
  ["a browser, where there is no console", "plain", ["GET", HERE, HTML], 426],
  ["… for the script", "plain", ["GET", `${HERE}console.js`], 404],
  ["… and a POST to it", "plain", ["POST", `${HERE}console.js`], 404],
  ["a browser without the token", "locked", ["GET", HERE, HTML], "console"],
  ["a browser by another name", "local", ["GET", "http://evil.example:2707/", HTML], 400],
  ["a HEAD of its health", "local", ["HEAD", `${HERE}healthz`], "health"],
  ["a POST to its health", "local", ["POST", `${HERE}healthz`], 405],
  ["another path", "local", ["GET", `${HERE}etc/passwd`, UPGRADE], 404],
  ["the control API, where there is none", "local", ["GET", `${HERE}control/rules`], 404],
  ["… and a POST to it", "local", ["POST", `${HERE}control/reset`], 404],
  ["the control API", "steered", ["PUT", `${HERE}control/rules`, BEARER], "control"],
  ["… for an allowed page", "steered", [
    "DELETE",
    `${HERE}control/rules`,
    { ...BEARER, origin: FRIEND },
  ], "control"],
  ["… for a page elsewhere", "steered", [
    "POST",
    `${HERE}control/reset`,
    { ...BEARER, origin: "https://evil.example" },
  ], 403],
  ["… without the token", "steered", ["GET", `${HERE}control/events`], 401],
  ["… by its bare path", "steered", ["GET", `${HERE}control`, BEARER], "control"],
  ["a path that begins like it", "steered", ["GET", `${HERE}controls`, BEARER], 404],
  ["a preflight of the control API", "steered", [
    "OPTIONS",
    `${HERE}control/rules`,
    { ...PREFLIGHT, origin: FRIEND },
  ], 204],
  ["a path out of the root", "local", ["GET", `${HERE}..%2f..%2fetc/passwd`], 404],
  ["__proto__ as a path", "local", ["GET", `${HERE}__proto__`], 404],
  ["a method of nobody", "local", ["__PROTO__", HERE], 405],
  ["a DELETE", "local", ["DELETE", HERE], 405],
  ["an OPTIONS that asks for nothing", "local", ["OPTIONS", HERE], 405],
  ["no upgrade", "local", ["GET", HERE], 426],
  ["a HEAD", "local", ["HEAD", HERE], 426],
  ["a HEAD that asks for an upgrade", "local", ["HEAD", HERE, UPGRADE], 426],
  ["a HEAD without the token", "locked", ["HEAD", HERE], 401],
  ["an upgrade to h2c", "local", ["GET", HERE, { ...UPGRADE, upgrade: "h2c" }], 426],
  ["version 8", "local", ["GET", HERE, { ...UPGRADE, "sec-websocket-version": "8" }], 426],
  ["no version", "local", ["GET", HERE, { ...UPGRADE, "sec-websocket-version": undefined }], 426],
  ["a short key", "local", ["GET", HERE, { ...UPGRADE, "sec-websocket-key": "short" }], 400],
  // The Host reveals a page whose own name resolves to this machine (DNS rebinding).
  ["localhost", "local", ["POST", "http://localhost:2707/"], "post"],
  ["a name under localhost", "local", ["POST", "http://a.localhost/"], "post"],
  ["::1", "local", ["POST", "http://[::1]:2707/"], "post"],
  ["an address that it is forwarded from", "local", ["POST", "http://192.0.2.1/"], "post"],
  ["a name of somebody else", "local", ["POST", "http://evil.example:2707/"], 400],
  ["… for an upgrade", "local", ["GET", "http://evil.example:2707/", UPGRADE], 400],
  ["… for its health", "local", ["GET", "http://evil.example:2707/healthz"], 400],
  ["a name that begins like an address", "local", ["POST", "http://127.0.0.1.evil.example/"], 400],
  ["a name that ends like localhost", "local", ["POST", "http://evillocalhost/"], 400],
  ["a user in the Host", "local", ["POST", HERE, { host: "a@127.0.0.1" }], 400],
  ["two Hosts", "local", ["POST", HERE, { host: "127.0.0.1, evil.example" }], 400],
  ["a path in the Host", "local", ["POST", HERE, { host: "127.0.0.1/x" }], 400],
  ["the name that it listens on", "named", ["POST", "http://box.lan/"], "post"],
  ["any name, where it listens wider", "wide", ["POST", "http://asyncpkt:2707/"], "post"],
  ["any name, where there is a token", "locked", ["POST", "http://a.example/", BEARER], "post"],
  // The Origin.
  ["a page of its own", "local", ["POST", HERE, { origin: "http://127.0.0.1:2707" }], "post"],
  [
    "an upgrade for a page of its own",
    "local",
    ["GET", HERE, { ...UPGRADE, origin: "http://127.0.0.1:2707" }],
    "upgrade",
  ],
  ["a page on another port", "local", ["POST", HERE, { origin: "http://127.0.0.1:3000" }], 403],
  ["a page of another scheme", "local", ["POST", HERE, { origin: "https://127.0.0.1:2707" }], 403],
  ["localhost is not 127.0.0.1", "local", ["POST", HERE, { origin: "http://localhost:2707" }], 403],
  ["a page elsewhere", "local", ["POST", HERE, { origin: "https://evil.example" }], 403],
  [
    "text/plain from a page elsewhere",
    "local",
    ["POST", HERE, { origin: "https://evil.example", "content-type": "text/plain" }],
    403,
  ],
  [
    "an upgrade for a page elsewhere",
    "local",
    ["GET", HERE, { ...UPGRADE, origin: "https://evil.example" }],
    403,
  ],
  ["a preflight elsewhere", "local", [
    "OPTIONS",
    HERE,
    { ...PREFLIGHT, origin: "https://evil.example" },
  ], 403],
  ["null", "local", ["POST", HERE, { origin: "null" }], 403],
  ["an empty Origin", "local", ["POST", HERE, { origin: "" }], 403],
  ["two Origins", "wide", ["POST", HERE, { origin: `${FRIEND}, ${FRIEND}` }], 403],
  ["an allowed page", "wide", ["POST", HERE, { origin: FRIEND }], "post"],
  [
    "an upgrade for an allowed page",
    "wide",
    ["GET", HERE, { ...UPGRADE, origin: FRIEND }],
    "upgrade",
  ],
  [
    "a preflight of an allowed page",
    "wide",
    ["OPTIONS", HERE, { ...PREFLIGHT, origin: FRIEND }],
    204,
  ],
  ["a page on a part of the allowed name", "wide", [
    "POST",
    HERE,
    { origin: "https://friend.example.evil.example" },
  ], 403],
  ["the proxy of an allowed page", "named", ["POST", "http://friend.example/"], "post"],
  [
    "a page whose name means this machine, where it listens wider",
    "wide",
    ["POST", "http://evil.example:2707/", { origin: "http://evil.example:2707" }],
    403,
  ],
  [
    "its own page by name, where there is a token",
    "locked",
    ["POST", "https://a.example/", { ...BEARER, origin: "https://a.example" }],
    "post",
  ],
  // The token.
  ["no token", "locked", ["POST", HERE], 401],
  ["an upgrade without it", "locked", ["GET", HERE, UPGRADE], 401],
  ["a GET without it", "locked", ["GET", HERE], 401],
  ["the token", "locked", ["POST", HERE, BEARER], "post"],
  ["an upgrade with it", "locked", ["GET", HERE, { ...UPGRADE, ...BEARER }], "upgrade"],
  ["a scheme in capitals", "locked", ["POST", HERE, { authorization: `BEARER ${TOKEN}` }], "post"],
  ["another token", "locked", ["POST", HERE, { authorization: "Bearer s3cret+/" }], 401],
  ["a longer token", "locked", ["POST", HERE, { authorization: `Bearer ${TOKEN}=` }], 401],
  ["an empty token", "locked", ["POST", HERE, { authorization: "Bearer " }], 401],
  ["another scheme", "locked", ["POST", HERE, { authorization: `Basic ${TOKEN}` }], 401],
  ["the token twice", "locked", ["POST", HERE, { authorization: `Bearer ${TOKEN} ${TOKEN}` }], 401],
  ["the token in the URL", "locked", ["POST", `${HERE}?token=${TOKEN}`], 401],
  ["the token as a subprotocol", "locked", [
    "GET",
    HERE,
    { ...UPGRADE, "sec-websocket-protocol": `asyncpkt.v1, ${OFFER}` },
  ], "upgrade"],
  ["another token as a subprotocol", "locked", [
    "GET",
    HERE,
    { ...UPGRADE, "sec-websocket-protocol": "asyncpkt.v1, asyncpkt.token.x" },
  ], 401],
  ["a broken token as a subprotocol", "locked", [
    "GET",
    HERE,
    { ...UPGRADE, "sec-websocket-protocol": "asyncpkt.token.%" },
  ], 401],
  ["the token, from a page elsewhere", "locked", [
    "POST",
    HERE,
    { ...BEARER, origin: "https://evil.example" },
  ], 403],
  ["its health without the token", "locked", ["GET", `${HERE}healthz`], "health"],
  ["its description without the token", "locked", ["GET", `${HERE}asyncapi.json`], "description"],
  ["its metrics without the token", "locked", ["GET", `${HERE}metrics`], 401],
  ["a preflight, which never has the token", "locked", [
    "OPTIONS",
    HERE,
    { ...PREFLIGHT, origin: FRIEND },
  ], 204],
];

const servers = Object.fromEntries(
  Object.entries(KINDS).map(([kind, options]) => [kind, new Access(options)]),
) as Record<Kind, Access>;
const { local, locked, wide } = servers;

/** Returns a request; a header of `undefined` is left out. */
function request(method: string, url: string, headers: Record<string, string | undefined> = {}) {
  const given = Object.entries({ host: new URL(url).host, ...headers })
    .filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Request(url, { method, headers: new Headers(given) });
}

Deno.test("Access.decide() returns what each request may do, or the status that refuses it", () => {
  for (const [what, kind, [method, url, headers], expected] of CASES) {
    const decision = servers[kind].decide(request(method, url, headers));
    assertEquals(decision instanceof Response ? decision.status : decision, expected, what);
  }
});

/** Returns the bytes of a request, and a body where there should be one. */
function textOf([method, url, headers = {}]: Asking): string {
  const { host, pathname, search } = new URL(url);
  const body = method === "POST" ? '{"request_id":1,"data":""}' : "";
  const all = {
    host,
    ...headers["upgrade"] !== undefined && { connection: "upgrade" },
    ...body !== "" && { "content-length": `${body.length}` },
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

for (const kind of ["local", "plain", "locked"] as const) {
  Deno.test(`serve() refuses unauthenticated and foreign clients with a status: ${kind}`, async () => {
    const { token, ...options } = KINDS[kind];
    await using server = serve({
      ...options,
      port: 0,
      delay: { min: 0, max: 0 },
      ...token !== undefined && { token },
    });
    for (const [what, of, asking, expected] of CASES) {
      if (of !== kind || asking[1].startsWith("https:")) continue;
      const answer = await exchange(server.port, textOf(asking));
      const status = expected === "upgrade" ? 101 : typeof expected === "string" ? 200 : expected;
      assertStringIncludes(answer, `HTTP/1.1 ${status} `, what);
      assert(!answer.includes(TOKEN), what);
    }
  });
}

Deno.test("Access.decide() refuses with a header that shows what is allowed, and never with the token", async () => {
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

/** Whether a server with the token "s3cret" admits a page that offers `token`. */
function accepts(token: string): boolean {
  const offer = `asyncpkt.token.${encodeURIComponent(token)}`;
  const access = new Access({ ...KINDS.locked, token: "s3cret" });
  return access.knows(request("GET", HERE, { "sec-websocket-protocol": offer }));
}

Deno.test("Access.knows() accepts the token and nothing else", () => {
  assert(accepts("s3cret"));
  for (
    const guess of [
      "",
      "s",
      "s3cre",
      "s3cret ",
      "S3cret",
      "s3crets",
      "s3crets3cret",
      "\ufffd",
      "__proto__",
    ]
  ) {
    assert(!accepts(guess), guess);
  }
});

Deno.test("Access does not show its token", () => {
  for (const text of [Deno.inspect(locked), JSON.stringify(locked), String(locked)]) {
    assert(!text.includes(TOKEN), text);
  }
});

Deno.test("Access takes a token that can stand in a header, and does not repeat another", () => {
  const start = (token: string) => new Access({ ...KINDS.locked, token });
  for (const token of ["a", "-._~+/", "YWJj+/8=", "x".repeat(4096)]) start(token);
  for (const token of ["", "s3cret\r\nX: y", "s3 cret", "s3crét", "s3=cret", '"s3cret"']) {
    const error = assertThrows(() => start(token), RangeError, "token of letters");
    assertEquals(error.message.includes("cret"), false);
  }
});

Deno.test("Access.shareWith() lets allowed pages read answers, and no others", () => {
  const origins = { [FRIEND]: FRIEND, "https://evil.example": undefined, "null": undefined };
  for (const [origin, expected] of Object.entries(origins)) {
    const headers = wide.shareWith(request("POST", HERE, { origin }));
    assertEquals(headers["access-control-allow-origin"], expected);
  }
  assertEquals(wide.shareWith(request("POST", HERE)), {});
});

Deno.test("chooseProtocol() returns the first known protocol, and never a token", () => {
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

Deno.test("isLoopback() returns true for addresses of this machine only", () => {
  for (
    const hostname of ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"]
  ) {
    assert(isLoopback(hostname), hostname);
  }
  for (const hostname of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example"]) {
    assert(!isLoopback(hostname), hostname);
  }
});

Deno.test("parseOrigin() throws when the text is not an origin", () => {
  assertEquals(parseOrigin("HTTPS://Friend.example:443/"), FRIEND);
  assertEquals(parseOrigin("http://127.0.0.1:3000"), "http://127.0.0.1:3000");
  for (
    const text of ["null", "*", "friend.example", `${FRIEND}/x`, "https://a@b", "file:///", ""]
  ) {
    assertThrows(() => parseOrigin(text), RangeError, `such as https://example.com, got`);
  }
});
