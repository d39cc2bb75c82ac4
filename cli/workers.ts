/**
 * Whether the server can have several workers here.
 *
 * @module
 */

import { UsageError } from "./exit.ts";
import type { Flag } from "./flags.ts";
import type { Need } from "./permissions.ts";

/** More would only be in each other's way. */
const MOST = 1024;

/** How many workers share the port. */
export const workersFlag: Flag<number> = {
  placeholder: "N",
  help: "threads that share the port; auto is one for each core [1]",
  default: 1,
  parse(text) {
    const count = text === "auto" ? navigator.hardwareConcurrency : Number(text);
    if (/^(?:auto|\d+)$/.test(text) && count >= 1 && count <= MOST) return count;
    throw new RangeError(`want auto, or an integer from 1 to ${MOST}, got ${JSON.stringify(text)}`);
  },
};

/**
 * Checks that several workers are possible.
 *
 * @param alone flags that go with one worker only, by name.
 * @throws {UsageError} that says why not, and what would help.
 */
export function checkWorkers(alone: Readonly<Record<string, boolean>>): void {
  for (const [flag, isGiven] of Object.entries(alone)) {
    if (isGiven) throw new UsageError(`--${flag} and --workers do not go together`);
  }
  if (Deno.build.os !== "linux") {
    throw new UsageError(
      `only Linux shares a port among --workers, not ${Deno.build.os}: put a proxy before several servers`,
    );
  }
  // Without it, Deno would not throw, but end the process.
  if (!("listenDatagram" in Deno)) {
    throw new UsageError("--workers needs an unstable feature of Deno: run with --unstable-net");
  }
}

/** Returns what a server needs to load its workers. */
export function workersNeeds(): Need[] {
  const root = new URL("..", import.meta.url);
  if (Deno.build.standalone || root.protocol !== "file:") return [];
  const path = decodeURIComponent(root.pathname);
  return [{ action: "load its --workers", permission: { name: "read", path } }];
}
