/**
 * The library's client beside the socket alone.
 *
 * @module
 */

import { freePort, output } from "../../../tests/support/machine.ts";
import { deno, here, pinned, start } from "../machine.ts";
import { ratioGoal, resultTable, type Section } from "../report.ts";
import type { Servers } from "../servers.ts";
import { interleave } from "../statistics.ts";

const REQUESTS = "500000";

/** Measures requests per second with 256 in flight, against a server that does not convert. */
export async function measureClient(servers: Servers, rounds: number): Promise<Section> {
  const [plain, shared] = [freePort(), freePort()];
  const run = (port: number, shares: boolean) =>
    start(pinned(0, servers.fastAnswers.command(port, shares)), port);
  await using _plain = await run(plain, false);
  await using _shared = await run(shared, true);
  const program = deno("--allow-net=127.0.0.1", here("client.ts"));
  const requests = (way: string, port: number) => async () =>
    Number(await output(pinned(1, [...program, way, `ws://127.0.0.1:${port}`, REQUESTS])));
  const measured = await interleave(rounds, {
    "the socket alone": requests("socketAlone", plain),
    "request()": requests("client", plain),
    "requests()": requests("clientOverIterable", plain),
    "request(), frames shared": requests("client", shared),
    "requests(), frames shared": requests("clientOverIterable", shared),
  });
  return {
    title: "The client",
    text:
      "256 requests in flight on one connection, against a server that answers without converting.",
    goals: [
      ratioGoal(measured, "request()", "the socket alone", 0.45),
      ratioGoal(measured, "request(), frames shared", "the socket alone", 0.75),
    ],
    table: resultTable(["", "requests/s"], measured, 0),
  };
}
