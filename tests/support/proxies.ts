/**
 * Debian's nginx and HAProxy with the configurations of docs/proxies: only names, ports and paths are
 * others, and deadlines where a test says so.
 *
 * @module
 */

import { makeCertificate } from "./certificates.ts";
import { findProgram } from "./find_program.ts";
import { type Program, startProgram } from "./program.ts";
import { until } from "./until.ts";

/** The name and the paths that are in the configurations. */
const NAME = "packets.example";
const CERTIFICATES = "/etc/asyncpkt";
const SERVERS = ["127.0.0.1:2707", "127.0.0.1:2708"];

/** What is to be another text in a configuration. */
export type Changes = readonly (readonly [text: string, other: string])[];

/** A proxy that can be tried. */
export interface ProxyKind {
  readonly name: "nginx" | "haproxy";
  /** Its configuration, in docs/proxies. */
  readonly file: string;
  /** What would need root, or write beyond the test's own folder. */
  changes(folder: string, port: number): Changes;
  args(folder: string, file: string): string[];
  /** What makes its deadline for a request's head one second. */
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

/** All of them. */
export const PROXIES: readonly ProxyKind[] = [NGINX, HAPROXY];

/** A proxy that runs. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Its authority. */
  readonly caCerts: string[];
}

/** Where a proxy listens, what it stands in front of, and what else is to be changed. */
export interface ProxyOptions {
  port: number;
  servers: readonly number[];
  changes?: Changes;
}

/** Where a kind of proxy is installed; undefined if it is not. */
export function findProxy({ name }: ProxyKind): string | undefined {
  return findProgram(name);
}

/** The configuration of a kind of proxy, as users have it. */
export function configurationOf({ file }: ProxyKind): string {
  return Deno.readTextFileSync(new URL(`../../docs/proxies/${file}`, import.meta.url));
}

/** Starts a proxy in front of servers on 127.0.0.1; resolves once it listens. */
export async function startProxy(
  kind: ProxyKind,
  { port, servers, changes = [] }: ProxyOptions,
): Promise<Proxy> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  await Deno.chmod(folder, 0o755); // nginx's workers are somebody else where root starts it
  const { ca, cert, key } = await makeCertificate(`${folder}/localhost`);
  const both = await Deno.readTextFile(cert) + await Deno.readTextFile(key);
  await Deno.writeTextFile(`${folder}/localhost.both.pem`, both);
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
  const program = startProgram(findProxy(kind)!, kind.args(folder, file));
  const stop = () => end(program, folder);
  try {
    await until(`${kind.name} listens`, () => accepts(program, port));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, caCerts: [await Deno.readTextFile(ca)], [Symbol.asyncDispose]: stop };
}

/** Each text has to be there: a change that changes nothing would try something else. */
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

/** Not by SIGKILL: nginx's workers would live on. */
async function end(program: Program, folder: string): Promise<void> {
  if (!program.hasEnded) program.kill("SIGTERM");
  await program.result().catch(() => {});
  await program[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}
