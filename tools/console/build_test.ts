import { assert, assertStrictEquals } from "@std/assert";
import { ASSETS } from "../../server/console_assets.ts";
import { buildAssets, TARGET } from "./build.ts";

Deno.test("server/console_assets.ts is what `deno task build:console` makes of the folder console", async () => {
  assertStrictEquals(await Deno.readTextFile(TARGET), await buildAssets());
});

Deno.test("the console's script is for browsers", () => {
  assert(!/\bDeno\b/.test(ASSETS["/console.js"]!.text));
});
