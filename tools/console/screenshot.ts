/**
 * Takes the screenshot of the console in the README.
 *
 * Usage: deno task screenshot
 *
 * @module
 */

import { serve } from "../../server.ts";
import { findBrowser, startBrowser } from "../../tests/support/browser.ts";

const TARGET = new URL("../../docs/console.png", import.meta.url).pathname;

/**
 * With this seed, some of the first requests are answered before the screenshot, and some later.
 */
const SEED = 28431;

const path = findBrowser();
if (path === undefined) throw new Error("expected chromium in PATH; install it");
await using server = serve({ port: 0, seed: SEED });
const browser = await startBrowser(path);
const page = await browser.newPage({
  colorScheme: "light",
  viewport: { width: 1360, height: 860 },
});
await page.goto(server.url.replace("ws", "http"));
await page.waitForSelector('[data-state="open"]');
const answered = page.locator("#answered");
const untilAnswered = async (count: number) => {
  while (Number(await answered.textContent()) < count) await page.waitForTimeout(20);
};
await page.click('[data-count="50"]');
await page.click("text=01-7");
await untilAnswered(8);
await page.hover(".request >> nth=3");
await page.click('[aria-label="Cancel 01-4"]');
await page.waitForSelector(".representation .pair");
await untilAnswered(24);
await page.mouse.move(0, 0);
await page.screenshot({ path: TARGET });
await browser.close();
