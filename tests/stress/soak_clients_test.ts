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

function soakOf({ url, port }: { url: string; port: number }): Soak {
  const counts = { requests: 0, lost: 0, badInputs: 0, faults: 0 };
  return { url, port, isOver: false, random: randomIntegers(7), counts, failures: new Set() };
}

/** Lets clients go on until `isEnough`, and to their end. */
async function run(soak: Soak, clients: SoakClient[], isEnough: () => boolean): Promise<void> {
  const ends = Promise.all(clients.map((client) => client(soak)));
  await until("it is enough", isEnough);
  soak.isOver = true;
  await ends;
}

Deno.test("the clients of the soak get from serve() what they are owed", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0.05 } });
  const soak = soakOf(server);
  const clients = [
    mixedClient([]),
    mixedClient(["asyncpkt.v1"]),
    libraryClient,
    postingClient,
    dyingClient,
    oddClient,
  ];
  const { counts } = soak;
  await run(
    soak,
    clients,
    () => counts.requests > 1000 && counts.faults > 0 && counts.badInputs > 0,
  );
  assertEquals([[...soak.failures], counts.lost], [[], 0]);
  await until("nothing is left", () => server.inFlight === 0);
});

Deno.test("the clients of the soak see what is answered twice, or wrongly", async () => {
  const twice = (frame: string) => plainReplies(frame).flatMap((text) => [text, text]);
  const wrongly = (frame: string) =>
    plainReplies(frame).map((text) => text.replace("Hub", "Hab")).concat(plainReplies(frame));
  const cases = [[twice, mixedClient([])], [wrongly, mixedClient([])], [wrongly, libraryClient]];
  for (const [answer, client] of cases as [(frame: string) => string[], SoakClient][]) {
    await using server = startFaulty({ answer });
    const soak = soakOf(server);
    await run(soak, [client], () => soak.counts.lost > 0);
    assert(soak.failures.size > 0);
  }
});
