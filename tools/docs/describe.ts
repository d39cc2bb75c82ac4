/**
 * Generates the JSON descriptions that a server returns from those in docs/, which are written by
 * hand: `server/asyncapi.json` and `server/control/openapi.json`.
 *
 * Usage: deno task describe
 *
 * @module
 */

// Not in deno.json, for the reason that tests/support/npm_packages.ts gives.
// deno-lint-ignore no-import-prefix
import { load } from "npm:js-yaml@^4";

const ROOT = new URL("../..", import.meta.url);

/** Each description in YAML, and the JSON that is made of it. */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  "docs/asyncapi.yaml": "server/asyncapi.json",
  "docs/openapi.yaml": "server/control/openapi.json",
};

/** Returns a description as JSON, with the parts of other files to which it refers. */
export function describedJson(source: string): string {
  const url = new URL(source, ROOT);
  const description = load(Deno.readTextFileSync(url));
  return JSON.stringify(description, (_, value) => referred(value, url), 2) + "\n";
}

/** Returns what a value refers to if that is in another file, such as `other.json#/items`. */
function referred(value: unknown, base: URL): unknown {
  const [, file, pointer] = /^(\w[^#]*)#\/(.*)$/.exec((value as { $ref?: string })?.$ref ?? "") ??
    [];
  if (file === undefined) return value;
  const document: unknown = JSON.parse(Deno.readTextFileSync(new URL(file, base)));
  return pointer!.split("/").reduce(
    (part, name) => (part as Record<string, unknown>)[name],
    document,
  );
}

if (import.meta.main) {
  for (const [source, target] of Object.entries(DESCRIPTIONS)) {
    Deno.writeTextFileSync(new URL(target, ROOT), describedJson(source));
  }
}
