/**
 * What the server does to requests, below the form that sends them.
 *
 * @module
 */

import type { Health } from "./connection.ts";
import { ControlClient } from "./control_client.ts";
import { find, make } from "./page.ts";

/** Shows the server's version and, if it has the control API, its settings. */
export async function showServerFacts(health: Health): Promise<void> {
  const facts: [name: string, value: string][] = [];
  if (health.version !== undefined) facts.push(["Version", health.version]);
  if (health.control) {
    const client = new ControlClient(new URL("control/", location.href));
    const settings = await client.settings().catch(() => undefined);
    if (settings !== undefined) {
      facts.push(
        ["Delay", `${settings.delay} s`],
        ["Seed", String(settings.seed ?? "none")],
        ["Faults", settings.fault ?? "none"],
      );
    }
  }
  find("#server-facts").replaceChildren(...facts.map(([name, value]) => {
    const fact = make("div");
    fact.append(make("dt", "", name), make("dd", "", value));
    return fact;
  }));
}
