/**
 * Takes the picture of the console that the README shows.
 *
 * Usage: deno task screenshot
 *
 * @module
 */

import { serve } from "../../server.ts";
import { findBrowser, startBrowser } from "../../tests/support/browser.ts";

const TARGET = new URL("../../docs/console.png", import.meta.url).pathname;

/** Of the first requests, some are answered soon, and some not before the picture is taken. */
const SEED = 28431;

const path = findBrowser();
if (path === undefined) throw new Error("There is no chromium here");
await using server = serve({ port: 0, seed: SEED });
const browser = await startBrowser(path);
const page = await browser.newPage({
  colorScheme: "light",
  viewport: { width: 1200, height: 820 },
});
await page.goto(server.url.replace("ws", "http"));
await page.waitForSelector('[data-state="open"]');
await page.click('[data-count="50"]');
await page.click("text=01-7");
await page.waitForFunction('document.querySelectorAll(".request.answered").length >= 9');
await page.click('[aria-label="Cancel 01-4"]');
await page.waitForSelector(".representation .pair");
await page.waitForFunction('document.querySelectorAll(".request.answered").length >= 24');
await page.mouse.move(0, 0);
await page.screenshot({ path: TARGET });
await browser.close();
