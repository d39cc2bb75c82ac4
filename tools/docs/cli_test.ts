import { assertEquals } from "@std/assert";
import { commandPage } from "./cli.ts";

Deno.test("docs/cli.md has the help of all commands; deno task docs:cli writes it", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/cli.md", import.meta.url));
  assertEquals(page, await commandPage());
});
