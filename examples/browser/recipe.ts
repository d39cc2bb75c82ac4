/**
 * A test for a page that talks to an asynchronous server, with Playwright.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { serve } from "@asyncpkt/asyncpkt/server";
// deno-lint-ignore no-import-prefix
import type { Page } from "npm:playwright-core@^1";

/** The answers arrive in another order than the requests. `pages` is the URL of this folder. */
export async function outOfOrder(page: Page, pages: string, client: string): Promise<void> {
  await using server = serve({ port: 0, allowOrigins: [new URL(pages).origin] });
  const held = server.hold();
  await page.goto(`${pages}?client=${client}&server=${server.url}`);
  await held.arrived(3);
  held.release("3", "1", "2");
  await page.waitForFunction("!document.body.innerText.includes('…')");
  assertEquals(await page.locator("li").allInnerTexts(), [
    "Door 1: answer for door 1",
    "Door 2: answer for door 2",
    "Door 3: answer for door 3",
  ], "a row shows the answer of another");
  await page.goto("about:blank"); // closes the connection
}
