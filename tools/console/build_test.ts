import { assert, assertStrictEquals } from "@std/assert";
import { ASSETS } from "../../server/console_assets.ts";
import { buildAssets, TARGET } from "./build.ts";

Deno.test("server/console_assets.ts is up to date with the folder console", async () => {
  assertStrictEquals(await Deno.readTextFile(TARGET), await buildAssets());
});

Deno.test("the console's script uses no Deno API", () => {
  assert(!/\bDeno\b/.test(ASSETS["/console.js"]!.text));
});
