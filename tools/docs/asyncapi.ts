/**
 * Generates `server/asyncapi.json` from `docs/asyncapi.yaml`, which is written by hand.
 *
 * Usage: deno task describe
 *
 * @module
 */

// Not in deno.json, for the reason that tests/support/npm_packages.ts gives.
// deno-lint-ignore no-import-prefix
import { load } from "npm:js-yaml@^4";

const SOURCE = new URL("../../docs/asyncapi.yaml", import.meta.url);
const TARGET = new URL("../../server/asyncapi.json", import.meta.url);

/** Returns the text of `server/asyncapi.json`. */
export function asyncapiJson(): string {
  return JSON.stringify(load(Deno.readTextFileSync(SOURCE)), null, 2) + "\n";
}

if (import.meta.main) Deno.writeTextFileSync(TARGET, asyncapiJson());
