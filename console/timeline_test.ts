import { assert, assertEquals, assertMatch } from "@std/assert";
import { findBrowser, startBrowser } from "../tests/support/browser.ts";
import {
  KNOWN,
  NEVER_ID,
  QUICK,
  rows,
  send,
  type Story,
  tellStories,
  untilTotals,
} from "../tests/support/console_stories.ts";
import { ConsoleTab } from "../tests/support/console_tab.ts";

const browserPath = findBrowser();

const stories: Story[] = [
  ["cancels all, and times out", KNOWN, async (page) => {
    const never = ["a", "b"].map((end) => ({ request_id: `${NEVER_ID}-${end}`, data: "" }));
    await send(page, ...never);
    await untilTotals(page, "2", "0", "0");
    await page.click("#cancel-all");
    await untilTotals(page, "0", "0", "0", "2");
    assertEquals(await page.isDisabled("#cancel-all"), true);
    await page.fill("#timeout", "0.2");
    await send(page, { request_id: `${NEVER_ID}-c`, data: "" });
    await untilTotals(page, "0", "0", "1", "2");
    const last = (await rows(page)).find((row) => row.includes("timed_out"));
    assertEquals(last, `${NEVER_ID}-c Error timed_out no answer within 0.2 s`);
  }],

  ["queues requests while there is no connection", QUICK, async (page) => {
    await page.click("#connection-button");
    await page.waitForSelector('[data-state="waiting"]');
    await send(page, { request_id: "a", data: "" });
    assertEquals(await rows(page), ["a Queued"]);
    assertEquals(await page.textContent("#in-flight-title"), "Queued");
    await page.waitForSelector('[data-state="open"]');
    await untilTotals(page, "0", "1", "0");
    assertEquals(await page.textContent("#in-flight-title"), "In flight");
  }],

  ["marks faults on their rows, with the frames from the server", {
    ...QUICK,
    rules: [
      { match: { id: "twice" }, fault: "duplicate" },
      { match: { id: "cut" }, fault: "garbage" },
    ],
  }, async (page) => {
    await send(page, { request_id: "twice", data: "a&&b&&c" }, { request_id: "cut", data: "a" });
    await page.waitForFunction(() => document.querySelectorAll(".request .fault").length === 2);
    assertEquals(await page.locator(".request .fault").allTextContents(), ["duplicate", "garbage"]);
    await page.click("text=cut");
    assertMatch((await page.textContent(".raw .code"))!, /^garbage.*\{"request_id":"cut","/);
  }],

  ["shows 10,000 requests with few elements", QUICK, async (page) => {
    for (let i = 0; i < 10; i++) await page.click('[data-count="1000"]');
    await untilTotals(page, "0", "10,000", "0");
    const rowCount = Number(await page.getAttribute("#timeline", "aria-rowcount"));
    assert(rowCount > 10_000, `${rowCount} rows`);
    await page.focus('.request [tabindex="0"]');
    await page.keyboard.press("End");
    assertMatch(
      (await page.evaluate(() => document.activeElement!.textContent))!,
      /^01-\d+$/,
    );
    const shown = await rows(page);
    assert(shown.length < 60, `${shown.length} rows`);
    const places = shown.map((row) => Number(/#([\d,]+)$/.exec(row)![1]!.replace(",", "")));
    assert(places.some((place, i) => place !== places[0]! + i), "no answer was out of order");
  }],

  ["can be used by keyboard alone", QUICK, async (page) => {
    const press = (key: string) => page.keyboard.press(key);
    const focused = () => page.evaluate(() => document.activeElement!.textContent);
    await page.focus("#packets");
    await press("Control+Enter");
    await untilTotals(page, "0", "1", "0");
    await press("Tab");
    assertEquals(await focused(), "Send");
    await press("Tab");
    await press("Enter");
    await untilTotals(page, "0", "51", "0");
    for (const [key, id] of [["ArrowDown", "01-2"], ["End", "01"], ["Home", "01-1"]] as const) {
      if (key === "ArrowDown") await page.focus('.request [tabindex="0"]');
      await press(key);
      assertEquals(await focused(), id);
    }
    await press("ArrowDown");
    assertEquals(await page.locator('[aria-expanded="true"]').allTextContents(), ["01-2"]);
    assertEquals(await page.textContent("#inspector-title"), "01-2");
    assertEquals(await page.locator('.request [tabindex="0"]').count(), 1);
    await page.focus("#inspector .pair");
    await press("ArrowDown");
    assertEquals(await page.textContent("#inspector-title"), "01-3");
    await page.focus("#inspector-close");
    await press("Escape");
    assertEquals(await page.isVisible("#inspector"), false);
    assertEquals(await focused(), "01-3");
    await press("Enter");
    assertEquals(await page.textContent("#inspector-title"), "01-3");
    await press("Enter");
    assertEquals(await page.isVisible("#inspector"), false);
  }],
];

Deno.test({
  name: `the console's timeline${browserPath ? "" : " (ignored: there is no chromium here)"}`,
  ignore: browserPath === undefined,
  async fn(t) {
    const browser = await startBrowser(browserPath!);
    try {
      await tellStories(t, stories, new ConsoleTab(await browser.newPage()));
    } finally {
      await browser.close();
    }
  },
});
