/**
 * What the browser tests of the first view share.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { serve, type ServeOptions } from "../../server.ts";
import type { Page } from "./browser.ts";
import type { ConsoleTab } from "./console_tab.ts";
import { idDelayedBy } from "./random.ts";

/** Delays from 0 to 600 s; {@linkcode idDelayedBy} finds ids with a delay as needed. */
export const KNOWN = { port: 0, delay: { min: 0, max: 600 }, seed: 7 };
/** An id with a short delay. */
export const SOON_ID = idDelayedBy(KNOWN, 10, 100);
/** An id with a longer delay. */
export const LATER_ID = idDelayedBy(KNOWN, 400, 900);
/** An id that no test waits for. */
export const NEVER_ID = idDelayedBy(KNOWN, 300_000, 600_000);
/** Short delays. */
export const QUICK: ServeOptions = { port: 0, delay: { min: 0.01, max: 0.3 }, seed: 7 };

/** Types packets. */
export async function type(page: Page, ...packets: unknown[]): Promise<void> {
  const lines = packets.map((packet) =>
    typeof packet === "string" ? packet : JSON.stringify(packet)
  );
  await page.fill("#packets", lines.join("\n"));
}

/** Sends packets, or what is typed. */
export async function send(page: Page, ...packets: unknown[]): Promise<void> {
  if (packets.length > 0) await type(page, ...packets);
  await page.click("#compose .primary");
}

/** Returns the text of each row, its cells joined. */
export function rows(page: Page): Promise<string[]> {
  return page.evaluate(`Array.from(document.querySelectorAll(".request"), (row) =>
    Array.from(row.cells, (cell) => (cell.querySelector(".state") ?? cell).textContent.trim())
      .filter((text) => text !== "")
      .join(" "))`);
}

/** What {@linkcode untilTotals} uses of a page, since only the console is checked with its types. */
interface Dom {
  readonly document: { getElementById(id: string): { readonly textContent: string } };
}

/** Waits for totals, and until the rows show them too. */
export async function untilTotals(
  page: Page,
  inFlight: string,
  answered: string,
  failed: string,
  cancelled = "0",
): Promise<void> {
  await page.waitForFunction((wanted) => {
    const { document } = globalThis as unknown as Dom;
    const ids = ["in-flight", "answered", "failed", "cancelled"];
    return ids.map((id) => document.getElementById(id).textContent).join() === wanted;
  }, [inFlight, answered, failed, cancelled].join());
  await page.evaluate(
    `new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))`,
  );
}

/** A way to use the page, and the options of its server. */
export type Story = readonly [
  what: string,
  server: ServeOptions,
  run: (page: Page) => Promise<void>,
];

/** Runs stories in a page of a browser, one after the other. */
export async function tellStories(
  t: Deno.TestContext,
  stories: readonly Story[],
  tab: ConsoleTab,
): Promise<void> {
  for (const [what, options, run] of stories) {
    await t.step(what, async () => {
      await using server = serve(options);
      await using _ = await tab.connect(server);
      await run(tab.page);
      assertEquals(tab.problems, []);
    });
  }
}
