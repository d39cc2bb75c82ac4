/**
 * Where the time goes: profiles of what has the least to spare.
 *
 * @module
 */

import { freePort } from "../../../tests/support/machine.ts";
import { SMALL } from "../conversion.ts";
import { here, pinned, start } from "../machine.ts";
import { type Load, underLoad } from "../measure.ts";
import { profile, profiled } from "../profile.ts";
import type { Section } from "../report.ts";
import type { Servers } from "../servers.ts";

/** How long each is profiled, in seconds. */
const SECONDS = 4;
/** Modules with less than this share are added up. */
const LEAST = 0.005;

const LOAD: Load = {
  connections: 50,
  delays: true,
  data: SMALL,
  rate: 100_000,
  subprotocol: "asyncpkt.v1",
  warmUp: 7,
  seconds: SECONDS + 1,
};

/** Profiles the conversion of 1.1 KB, and the server with 300,000 in flight. */
export async function measureProfile(servers: Servers): Promise<Section> {
  const conversion = await profileConversion("1.1 KB, 20 entities");
  const serving = await profileServer(servers);
  const places = [...new Set([...serving.keys(), ...conversion.keys()])];
  const share = (profile: Map<string, number>, place: string) => profile.get(place) ?? 0;
  const shown = places.filter((place) =>
    Math.max(share(serving, place), share(conversion, place)) >= LEAST
  );
  const rest = (profile: Map<string, number>) =>
    1 - shown.reduce((sum, place) => sum + share(profile, place), 0);
  const percent = (share: number) => share < LEAST / 5 ? "" : `${(100 * share).toFixed(1)} %`;
  return {
    title: "Where the time goes",
    text:
      `Samples of V8's profiler over ${SECONDS} s, by module, of the time in which the process was ` +
      "busy: the server with 300,000 requests in flight, 100,000/s arriving in asyncpkt.v1; and the " +
      "conversion of 1.1 KB alone.",
    goals: [],
    table: {
      header: ["module", "server", "conversion"],
      rows: [
        ...shown.map((place) => [
          place,
          percent(share(serving, place)),
          percent(share(conversion, place)),
        ]),
        ["all others", percent(rest(serving)), percent(rest(conversion))],
      ],
    },
  };
}

async function profileServer(servers: Servers): Promise<Map<string, number>> {
  const port = freePort();
  const { asyncpkt } = servers;
  const server = {
    ...asyncpkt,
    command: (listenPort: number, delays: boolean) =>
      profiled(asyncpkt.command(listenPort, delays), port),
  };
  const { during } = await underLoad(servers, server, LOAD, () => profile(port, SECONDS));
  return during;
}

async function profileConversion(name: string): Promise<Map<string, number>> {
  const port = freePort();
  const command = [
    Deno.execPath(),
    "run",
    "--quiet",
    here("conversion.ts"),
    name,
  ];
  await using _running = await start(pinned(0, profiled(command, port)), port);
  return await profile(port, SECONDS);
}
