import { assert, assertEquals, assertRejects } from "@std/assert";
import { Client, ConnectionError } from "../client.ts";
import { serve } from "../server.ts";
import { IDLE_TIMEOUT } from "../server/listener.ts";
import { makeIdentity } from "./support/certificates.ts";
import { findProgram, freePort } from "./support/machine.ts";
import { fixRandom, idDelayedBy } from "./support/random.ts";
import { type Program, startProgram, startServerProcess } from "./support/program.ts";
import { readToEnd } from "./support/raw_tcp.ts";
import { until } from "./support/waiting.ts";

const SOON = { delay: { min: 0, max: 0.02 } };
const CLIENTS = 4;
const REQUESTS = 50;

/** Longer than any request takes, in milliseconds. */
const TIMEOUT = 60_000;

/** The name, the path and the servers in the configurations. */
const NAME = "packets.example";
const CERTIFICATES = "/etc/asyncpkt";
const SERVERS = ["127.0.0.1:2707", "127.0.0.1:2708"];

const identity = await makeIdentity();

/** Texts to replace in a configuration. */
type Changes = readonly (readonly [text: string, other: string])[];

interface ProxyKind {
  readonly name: "nginx" | "haproxy";
  /** Its configuration, in docs/proxies. */
  readonly file: string;
  /** Replaces settings that need root, or write beyond the test's own folder. */
  changes(folder: string, port: number): Changes;
  args(folder: string, file: string): string[];
  /** Makes its deadline for a request's head one second. */
  readonly hurry: Changes;
}

const NGINX: ProxyKind = {
  name: "nginx",
  file: "nginx.conf",
  changes: (folder, port) => [
    ["user www-data;", ""],
    ["/run/nginx.pid", `${folder}/nginx.pid`],
    ["/var/log/nginx/error.log", "stderr"],
    ["worker_rlimit_nofile 65536;", ""],
    ["worker_connections 32768;", "worker_connections 512;"],
    [
      "http {",
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .reduce((text, what) => `${text} ${what}_temp_path ${folder}/${what};`, "http {"),
    ],
    ["listen 443", `listen 127.0.0.1:${port}`],
  ],
  args: (folder, file) => ["-e", "stderr", "-p", folder, "-c", file, "-g", "daemon off;"],
  hurry: [["client_header_timeout 10s", "client_header_timeout 1s"]],
};

const HAPROXY: ProxyKind = {
  name: "haproxy",
  file: "haproxy.cfg",
  changes: (_, port) => [
    ["    user haproxy\n", ""],
    ["    group haproxy\n", ""],
    ["log /dev/log local0", "log stderr format raw local0"],
    ["maxconn 30000", "maxconn 200"],
    ["bind :443", `bind 127.0.0.1:${port}`],
  ],
  args: (_, file) => ["-db", "-f", file],
  hurry: [["timeout http-request 10s", "timeout http-request 1s"]],
};

/** A running proxy. */
interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Its authority. */
  readonly caCerts: string[];
}

/** The configuration of a kind of proxy, as users have it. */
function configurationOf({ file }: ProxyKind): string {
  return Deno.readTextFileSync(new URL(`../docs/proxies/${file}`, import.meta.url));
}

/** Starts a proxy in front of servers on 127.0.0.1; resolves once it listens. */
async function startProxy(
  kind: ProxyKind,
  port: number,
  servers: readonly number[],
  changes: Changes = [],
): Promise<Proxy> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  await Deno.chmod(folder, 0o755); // for nginx's workers, which run as another user under root
  const { cert, key } = identity.tls;
  await Deno.writeTextFile(`${folder}/localhost.pem`, cert);
  await Deno.writeTextFile(`${folder}/localhost.key`, key);
  await Deno.writeTextFile(`${folder}/localhost.both.pem`, cert + key);
  const file = `${folder}/${kind.file}`;
  await Deno.writeTextFile(
    file,
    changed(configurationOf(kind), [
      [CERTIFICATES, folder],
      [NAME, "localhost"],
      ...SERVERS.map((server, i) => [server, `127.0.0.1:${servers[i]}`] as const),
      ...kind.changes(folder, port),
      ...changes,
    ]),
  );
  const program = startProgram(findProgram(kind.name)!, kind.args(folder, file));
  const stop = () => end(program, folder);
  try {
    await until(`${kind.name} listens`, () => accepts(program, port));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, caCerts: identity.caCerts, [Symbol.asyncDispose]: stop };
}

/** Replaces texts, each of which must be there. */
function changed(text: string, changes: Changes): string {
  for (const [from, to] of changes) {
    const result = text.replaceAll(from, () => to);
    if (result === text) throw new Error(`There is no ${from} in the configuration`);
    text = result;
  }
  return text;
}

async function accepts(program: Program, port: number): Promise<boolean> {
  if (program.hasEnded) throw new Error((await program.result()).stderr);
  return await Deno.connect({ hostname: "127.0.0.1", port })
    .then((connection) => (connection.close(), true), () => false);
}

/** Ends a proxy by SIGTERM, since nginx's workers survive a SIGKILL. */
async function end(program: Program, folder: string): Promise<void> {
  if (!program.hasEnded) program.kill("SIGTERM");
  await program.result().catch(() => {});
  await program[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}

for (const kind of [NGINX, HAPROXY]) {
  const why = findProgram(kind.name) === undefined ? ` (ignored: there is no ${kind.name})` : "";
  const test = (what: string, fn: () => Promise<void>) =>
    Deno.test({ name: `the proxy ${kind.name} ${what}${why}`, ignore: why !== "", fn });

  test("passes WebSockets on, with their subprotocol, to both servers", async () => {
    await using group = await startGroup(kind, SOON);
    const { servers, proxy } = group;
    await using clients = await connectClients(proxy);
    await Promise.all(clients.list.map(async (client) => {
      assertEquals(client.protocol, "asyncpkt.v1");
      assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
    }));
    for (const { answered } of servers) assert(answered > 0, "a server got no request");
  });

  test("passes a page's WebSocket on, with its token as a subprotocol", async () => {
    const token = "s3cret/+=";
    await using group = await startGroup(kind, { ...SOON, token });
    const { proxy } = group;
    await using client = await connect(proxy, { token });
    assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
    const protocols = ["asyncpkt.plain", "asyncpkt.token." + encodeURIComponent(token)];
    using http = Deno.createHttpClient({ caCerts: proxy.caCerts });
    const options = { protocols, headers: { origin: originOf(proxy) }, client: http };
    const socket = new WebSocket(`wss://localhost:${proxy.port}`, options);
    const answer = Promise.withResolvers<string>();
    const closed = Promise.withResolvers<void>();
    socket.onopen = () => socket.send('{"request_id":1,"data":"a&&b&&c"}');
    socket.onmessage = ({ data }) => answer.resolve(data);
    socket.onerror = () => answer.reject(new Error("the proxy did not pass it on"));
    socket.onclose = () => closed.resolve();
    assertEquals(await answer.promise, '{"request_id":1,"data":{"a":{"b":"c"}}}');
    assertEquals(socket.protocol, "asyncpkt.plain");
    socket.close();
    await closed.promise;
    const unauthenticated = () => connect(proxy, { token: "guess" });
    await assertRejects(
      unauthenticated,
      ConnectionError,
      "the server did not answer with a WebSocket",
    );
  });

  test("passes each line of a POST's answer on when it is due", async () => {
    const late = { delay: { min: 0, max: 600 }, seed: 7 };
    const [now, never] = [idDelayedBy(late, 0, 300), idDelayedBy(late, 300_000, 600_000)];
    await using group = await startGroup(kind, { ...late, drainTimeout: 0 });
    using http = httpClient(group.proxy);
    const packets = [now, never].map((request_id) => ({ request_id, data: "a&&b&&c" }));
    const body = JSON.stringify(packets);
    const answer = await fetch(group.url, { method: "POST", body, client: http });
    assertEquals(answer.headers.get("content-type"), "application/x-ndjson");
    const lines = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await lines.read()).value, `{"request_id":"${now}","data":{"a":{"b":"c"}}}\n`);
    await lines.cancel();
    await until("the server drops the requests", () => inFlight(group.servers) === 0);
  });

  test("passes the server's errors on for invalid POSTs", async () => {
    await using group = await startGroup(kind, SOON);
    using http = httpClient(group.proxy);
    const data = "x".repeat((1 << 20) + 1);
    for (const [body, status] of [['{"request_id":1,"data":""}', 200], ["{", 400], [data, 413]]) {
      const answer = await fetch(group.url, { method: "POST", body: `${body}`, client: http });
      assertEquals(answer.status, status);
      const { request_id, error } = await answer.json();
      assertEquals(
        request_id === 1 ? error : typeof error.code,
        status === 200 ? undefined : "string",
      );
    }
  });

  test("accepts requests for its name and pages of its origin only", async () => {
    await using group = await startGroup(kind, SOON);
    const own = originOf(group.proxy);
    const body = '{"request_id":1,"data":""}';
    const cases: [headers: Record<string, string>, status: number][] = [
      [{}, 200],
      [{ origin: own }, 200],
      [{ origin: "https://evil.example" }, 403],
      [{ origin: "null" }, 403],
      [{ host: "evil.example" }, 421],
      [{ host: "evil.example", origin: "https://evil.example" }, 421],
      [{ origin: "https://evil.example", "x-forwarded-host": "evil.example" }, 403],
    ];
    using http = httpClient(group.proxy);
    for (const [headers, status] of cases) {
      const answer = await fetch(group.url, { method: "POST", body, headers, client: http });
      await answer.body?.cancel();
      assertEquals(answer.status, status, Deno.inspect(headers));
    }
    for (const [path, status] of [["/healthz", 200], ["/metrics", 404]] as const) {
      const answer = await fetch(group.url + path, { client: http });
      await answer.body?.cancel();
      assertEquals(answer.status, status, path);
    }
  });

  test("has a deadline for a request's head", async () => {
    await using group = await startGroup(kind, SOON, kind.hurry);
    const { port, caCerts } = group.proxy;
    using connection = await Deno.connectTls({ hostname: "localhost", port, caCerts });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: loc"));
    // nginx closes silently, HAProxy with a status.
    const end = await readToEnd(connection).catch((error) => error);
    assert(end instanceof Deno.errors.UnexpectedEof || /^HTTP\/1\.1 408 /.test(end), end);
  });

  test("answers each request once when a server is killed", async () => {
    const port = freePort();
    using _ = fixRandom(0.1); // the clients reconnect soon
    const flags = ["--delay", "0.5..1", "--allow-origin", `https://localhost:${port}`];
    await using one = await startServerProcess(flags);
    await using other = await startServerProcess(flags);
    await using proxy = await startProxy(kind, port, [one.port, other.port]);
    let unmatched = 0;
    await using clients = await connectClients(proxy, { onUnmatched: () => unmatched++ });
    const answered = sendAll(clients.list);
    await one.stdout.next(); // the first request
    one.kill("SIGKILL");
    await one.result();
    using http = httpClient(proxy);
    const posts = Array.from({ length: CLIENTS }, async () => {
      const body = '{"request_id":1,"data":"a&&b&&c"}';
      const url = `https://localhost:${port}`;
      return await (await fetch(url, { method: "POST", body, client: http })).json();
    });
    await answered;
    for (const post of posts) {
      assertEquals(await post, { request_id: 1, data: { a: { b: "c" } } });
    }
    assertEquals(unmatched, 0);
    const { reconnects, resent } = retryStatsOf(clients.list);
    assert(resent > 0, "nothing was in flight when the server was killed");
    assert(reconnects < CLIENTS, "the clients of the other server were cut off as well");
  });

  test("loses nothing when a server drains, and sends new clients to the other", async () => {
    using _ = fixRandom(0.1); // the clients reconnect soon
    await using group = await startGroup(kind, { delay: { min: 0.3, max: 0.6 } });
    const { servers, proxy } = group;
    const [one, other] = servers;
    await using clients = await connectClients(proxy);
    const first = sendAll(clients.list);
    await until("both have requests", () => one.inFlight > 0 && other.inFlight > 0);
    const draining = one.drain();
    const second = sendAll(clients.list); // refused until the client reaches the other server
    await using newcomers = await connectClients(proxy);
    const third = sendAll(newcomers.list);
    await Promise.all([first, second, third]);
    const { dropped, cut } = await draining;
    assertEquals([dropped, cut], [0, 0]);
    assertEquals(retryStatsOf([...clients.list, ...newcomers.list]).resent, 0);
    assertEquals(retryStatsOf(newcomers.list).reconnects, 0);
  });

  test("loses nothing when all servers are gone for a while", async () => {
    using _ = fixRandom(0.1); // the client reconnects soon
    await using group = await startGroup(kind, SOON);
    const { servers, proxy } = group;
    let failures = 0;
    await using client = await connect(proxy, { onDisconnect: () => failures++ });
    await Promise.all(servers.map((server) => server.drain()));
    const requests = sendAll([client]);
    await until("the proxy reports that there is no server", () => failures > 1);
    const allowOrigins = [originOf(proxy)];
    await using _back = serve({ ...SOON, port: servers[0].port, allowOrigins });
    await requests;
  });

  Deno.test(`the proxy ${kind.name} is configured to keep WebSockets longer than the server does`, () => {
    const text = configurationOf(kind);
    const times = text.matchAll(
      /^ *(?:proxy_(?:read|send)_|timeout (?:client|server|tunnel) +)\D*(\d+)s/gm,
    );
    const seconds = [...times].map(([, seconds]) => Number(seconds));
    assert(seconds.length >= 2);
    for (const time of seconds) assert(time > IDLE_TIMEOUT, `${time} s`);
  });
}

interface Group extends AsyncDisposable {
  readonly servers: readonly [ReturnType<typeof serve>, ReturnType<typeof serve>];
  readonly proxy: Proxy;
  readonly url: string;
}

/** Two servers and a proxy in front. */
async function startGroup(
  kind: ProxyKind,
  options: Parameters<typeof serve>[0],
  changes: Changes = [],
): Promise<Group> {
  const port = freePort();
  const start = () => serve({ ...options, port: 0, allowOrigins: [`https://localhost:${port}`] });
  await using stack = new AsyncDisposableStack();
  const [one, other] = [stack.use(start()), stack.use(start())];
  const proxy = stack.use(await startProxy(kind, port, [one.port, other.port], changes));
  const owned = stack.move();
  return {
    servers: [one, other],
    proxy,
    url: originOf(proxy),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Options = Parameters<typeof Client.connect>[1];

function connect({ port, caCerts }: Proxy, options: Options = {}): Promise<Client> {
  return Client.connect(`wss://localhost:${port}`, { caCerts, ...options });
}

async function connectClients(proxy: Proxy, options: Options = {}) {
  const list: Client[] = [];
  // One by one, so that the proxy sees each connection before it places the next.
  for (let i = 0; i < CLIENTS; i++) list.push(await connect(proxy, options));
  return {
    list,
    [Symbol.asyncDispose]: async () => void await Promise.all(list.map((client) => client.close())),
  };
}

/** Sends requests by each client, and checks the answers. */
async function sendAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(
    clients.flatMap((client, i) =>
      Array.from({ length: REQUESTS }, async (_, j) => {
        const { data } = await client.request(`a&&b&&${i} ${j}`, { timeout: TIMEOUT });
        assertEquals(data, { a: { b: `${i} ${j}` } });
      })
    ),
  );
}

function retryStatsOf(clients: readonly Client[]) {
  const sum = (of: "reconnects" | "resent") =>
    clients.reduce((total, { retryStats }) => total + retryStats[of], 0);
  return { reconnects: sum("reconnects"), resent: sum("resent") };
}

function httpClient({ caCerts }: Proxy): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts, allowHost: true });
}

function originOf({ port }: Proxy): string {
  return `https://localhost:${port}`;
}

function inFlight(servers: Group["servers"]): number {
  return servers.reduce((sum, { inFlight }) => sum + inFlight, 0);
}
