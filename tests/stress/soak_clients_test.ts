import { assert, assertEquals } from "@std/assert";
import { serve } from "../../server.ts";
import { plainReplies } from "../support/plain.ts";
import { randomIntegers } from "../support/random.ts";
import { until } from "../support/waiting.ts";
import { startFaulty } from "./faulty_server.ts";
import {
  dyingClient,
  libraryClient,
  mixedClient,
  oddClient,
  postingClient,
  type Soak,
  type SoakClient,
} from "./soak_clients.ts";
import { Tally, type Transport, TRANSPORTS } from "./trial.ts";

function soakOf(
  { url, port }: { url: string; port: number },
  transport: Transport = "deno",
): Soak {
  const [random, tally] = [randomIntegers(7), new Tally()];
  return { url, port, transport, isOver: false, random, tally };
}

/** Lets clients go on until `isEnough`, and to their end. */
async function run(soak: Soak, clients: SoakClient[], isEnough: () => boolean): Promise<void> {
  const ends = Promise.all(clients.map((client) => client(soak)));
  await until("it is enough", isEnough);
  soak.isOver = true;
  await ends;
}

for (const websocket of TRANSPORTS) {
  Deno.test(`SoakClient loses nothing when serve() answers (${websocket})`, async () => {
    await using server = serve({ port: 0, websocket, delay: { min: 0, max: 0.05 } });
    const soak = soakOf(server, websocket);
    const clients = [
      mixedClient([]),
      mixedClient(["asyncpkt.v1"]),
      libraryClient,
      postingClient,
      dyingClient,
      oddClient,
    ];
    const { tally } = soak;
    await run(
      soak,
      clients,
      () => tally.requests > 1000 && tally.faults > 0 && tally.badInputs > 0,
    );
    assertEquals([tally.failures, tally.lost], [[], 0]);
    await until("nothing is left", () => server.inFlight === 0);
  });
}

Deno.test("SoakClient counts lost requests when a server answers twice or wrongly", async () => {
  const twice = (frame: string) => plainReplies(frame).flatMap((text) => [text, text]);
  const wrongly = (frame: string) =>
    plainReplies(frame).map((text) => text.replace("Hub", "Hab")).concat(plainReplies(frame));
  const cases = [[twice, mixedClient([])], [wrongly, mixedClient([])], [wrongly, libraryClient]];
  for (const [answer, client] of cases as [(frame: string) => string[], SoakClient][]) {
    await using server = startFaulty({ answer });
    const soak = soakOf(server);
    await run(soak, [client], () => soak.tally.lost > 0);
    assert(soak.tally.failures.length > 0);
  }
});
