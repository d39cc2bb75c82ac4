/**
 * The library's client beside the socket alone.
 *
 * @module
 */

import { freePort, output } from "../../../tests/support/machine.ts";
import { here, pinned, start } from "../machine.ts";
import { type Section, withSpread } from "../report.ts";
import type { Servers } from "../servers.ts";
import { interleave, ratios } from "../statistics.ts";

const REQUESTS = "500000";

/** Measures requests per second with 256 in flight, against a server that only just answers. */
export async function measureClient(servers: Servers, rounds: number): Promise<Section> {
  const [plain, shared] = [freePort(), freePort()];
  const run = (port: number, shares: boolean) =>
    start(pinned(0, servers.fastAnswers.command(port, shares)), port);
  await using _plain = await run(plain, false);
  await using _shared = await run(shared, true);
  const requests = (way: string, port: number) => async () =>
    Number(
      await output(pinned(1, [
        Deno.execPath(),
        "run",
        "--quiet",
        "--allow-net=127.0.0.1",
        here("client.ts"),
        way,
        `ws://127.0.0.1:${port}`,
        REQUESTS,
      ])),
    );
  const measured = await interleave(rounds, {
    "the socket alone": requests("socketAlone", plain),
    "request()": requests("client", plain),
    "requests()": requests("clientOverIterable", plain),
    "request(), frames shared": requests("client", shared),
    "requests(), frames shared": requests("clientOverIterable", shared),
  });
  const goal = (of: string, atLeast: number) => ({
    what: of,
    against: "the socket alone",
    values: ratios(measured, of, "the socket alone"),
    atLeast,
  });
  return {
    title: "The client",
    text:
      "256 requests in flight on one connection, against a server that answers without converting.",
    goals: [goal("request()", 0.45), goal("request(), frames shared", 0.75)],
    table: {
      header: ["", "requests/s"],
      rows: [...measured].map(([name, values]) => [name, withSpread(values, 0)]),
    },
  };
}
