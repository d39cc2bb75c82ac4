/**
 * Who asks a server for what, and whether it is let in.
 *
 * @module
 */

import type { AccessOptions, Purpose } from "../../server/auth.ts";

/** The token of a server that has one. */
export const TOKEN = "s3cret+/=";
/** It, as a page brings it. */
export const OFFER = `asyncpkt.token.${encodeURIComponent(TOKEN)}`;
const BEARER = { authorization: `Bearer ${TOKEN}` };
/** A page elsewhere that is let in. */
export const FRIEND = "https://friend.example";
const PREFLIGHT = { "access-control-request-method": "POST" };
const HTML = { accept: "text/html,*/*;q=0.8" };
/** The headers of an upgrade. */
export const UPGRADE = {
  "upgrade": "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A kind of server. */
export type Kind = "local" | "named" | "wide" | "plain" | "locked";

/** What it is told, where its secret is {@linkcode TOKEN} if it has one. */
export const KINDS: Readonly<
  Record<Kind, Omit<AccessOptions, "secret"> & { readonly isLocked?: true }>
> = {
  local: { hostname: "127.0.0.1", allowOrigins: [], console: true },
  named: { hostname: "Box.lan", allowOrigins: [FRIEND], console: true },
  wide: { hostname: "0.0.0.0", allowOrigins: [FRIEND], console: true },
  plain: { hostname: "127.0.0.1", allowOrigins: [FRIEND], console: false },
  locked: { hostname: "127.0.0.1", allowOrigins: [FRIEND], console: true, isLocked: true },
};

/** A method, a URL, and headers, of which `undefined` leaves out what would be there otherwise. */
export type Asking = [method: string, url: string, headers?: Record<string, string | undefined>];

/** A request, and what comes of it: what it is let in for, or the status that refuses it. */
export type Case = readonly [what: string, kind: Kind, asking: Asking, expected: Purpose | number];

/** Where the requests go. */
export const HERE = "http://127.0.0.1:2707/";

/** Requests of all kinds, to each kind of server, and what they are let in for or refused with. */
export const CASES: readonly Case[] = [
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
  // The Host: where a page has had its own name resolved to this machine, it says so.
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
