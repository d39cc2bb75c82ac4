/**
 * Strangers: requests by another method, path, Host, Origin or version, and without the token, as bytes to
 * real servers. Each is let in or refused as it should be, and nobody else notices.
 *
 * @module
 */

import { exchange } from "../support/raw_tcp.ts";
import { startServerProcess } from "../support/server_process.ts";
import { type Asking, CASES, type Kind, KINDS, OFFER, TOKEN } from "../support/unauthorized.ts";
import { besideBystander } from "./bystander.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

/** Those that can be had on this machine, with the permissions of the task, and without a proxy. */
const SERVERS: readonly Kind[] = ["local", "plain", "locked"];

const BODY = '{"request_id":1,"data":""}';

/** Asks servers for what they should not give. */
export async function strangers(): Promise<Outcome> {
  const sum = { requests: 0, lost: 0, badInputs: 0 };
  const failures: string[] = [];
  let asked = 0;
  for (const kind of SERVERS) {
    const { allowOrigins, console, isLocked = false } = KINDS[kind];
    const flags = allowOrigins.flatMap((origin) => ["--allow-origin", origin]);
    if (!console) flags.push("--no-console");
    await using server = await startServerProcess(
      ["--delay", "0", "--quiet", ...flags],
      { env: isLocked ? { ASYNCPKT_TOKEN: TOKEN } : {} },
    );
    const files = await server.files();
    const askAll = async () => {
      for (const [what, of, asking, expected] of CASES) {
        if (of !== kind || asking[1].startsWith("https:")) continue;
        const wanted = typeof expected === "number" ? expected : expected === "upgrade" ? 101 : 200;
        const answer = await exchange(server.port, bytesOf(asking));
        const status = Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
        asked++;
        if (wanted >= 400) sum.badInputs++;
        if (status !== wanted) failures.push(`${what}: want ${wanted}, got ${status}`);
        if (answer.includes(TOKEN)) failures.push(`${what}: the answer has the token`);
      }
    };
    const { requests, lost } = await besideBystander(server.url, askAll, [OFFER, "asyncpkt.plain"]);
    sum.requests += requests;
    sum.lost += lost;
    failures.push(...await leftBehind(server, files));
    const result = await server.stop();
    failures.push(...endedBadly(result));
    if (result.stdout.join().includes(TOKEN)) failures.push("the log has the token");
  }
  return {
    ...sum,
    extent: `${asked} kinds of requests, to ${SERVERS.length} kinds of servers`,
    failures,
  };
}

/** A request as it is sent. */
function bytesOf([method, url, headers = {}]: Asking): string {
  const { host, pathname, search } = new URL(url);
  const body = method === "POST" ? BODY : "";
  const all = {
    host,
    ...(headers["upgrade"] === undefined ? {} : { connection: "upgrade" }),
    ...(body === "" ? {} : { "content-length": `${body.length}` }),
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
