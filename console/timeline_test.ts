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
    // In one task, before the page connects again.
    const shown = await page.evaluate(async () => {
      document.querySelector<HTMLButtonElement>("#connection-button")!.click();
      document.querySelector<HTMLButtonElement>("#compose .primary")!.click();
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return ["#in-flight-title", ".request .state"].map((part) =>
        document.querySelector(part)!.textContent
      );
    });
    assertEquals(shown, ["Queued", "Queued"]);
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

  ["filters and sorts requests", QUICK, async (page) => {
    await send(page, { request_id: "b", data: "Door" }, { request_id: "a", data: "" }, "{");
    await untilTotals(page, "0", "2", "1");
    const ids = async () => (await rows(page)).map((row) => row.split(" ")[0]);
    assertEquals(await ids(), ["b", "a", "no"]);
    await page.click('[data-sort="id"]');
    await page.waitForSelector('[aria-sort="ascending"]');
    await untilTotals(page, "0", "2", "1");
    assertEquals(await ids(), ["a", "b", "no"]);
    await page.selectOption("#request-state", "failed");
    await untilTotals(page, "0", "2", "1");
    assertEquals(await ids(), ["no"]);
    assertEquals(await page.textContent("#request-count"), "1 of 3 requests");
    await page.fill("#request-search", "door");
    await page.waitForSelector("#no-match:not([hidden])");
    await page.selectOption("#request-state", "");
    await untilTotals(page, "0", "2", "1");
    assertEquals(await ids(), ["b"]);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
    assertEquals(download.suggestedFilename(), "requests.ndjson");
  }],

  ["brushes a part of a run", KNOWN, async (page) => {
    const ids = Array.from({ length: 40 }, (_, i) => `${NEVER_ID}-${i}`);
    await send(page, ...ids.map((id) => ({ request_id: id, data: "" })));
    const box = (await page.locator("#overview canvas").boundingBox())!;
    await page.mouse.move(box.x + 2, box.y + 1);
    await page.mouse.down();
    await page.mouse.move(box.x + 3, box.y + box.height / 4 - 1, { steps: 3 });
    await page.mouse.up();
    await page.waitForSelector("#clear-brush");
    assertEquals(await page.textContent("#request-count"), "10 of 40 requests");
    assertEquals(await page.locator(".request").count(), 10);
    await page.click("#clear-brush");
    await page.waitForSelector("#clear-brush", { state: "hidden" });
    assertEquals(await page.textContent("#request-count"), "40 requests");
  }],

  ["shows what the server does to requests", {
    ...QUICK,
    control: true,
    faults: { drop: 0.25 },
  }, async (page) => {
    const facts = page.locator("#server-facts div");
    await facts.nth(3).waitFor();
    const [version, ...settings] = await facts.allTextContents();
    assertMatch(version!, /^Version\d+\.\d+\.\d+/);
    assertEquals(settings, ["Delay0.01..0.3 s", "Seed7", "Faultsdrop=0.25"]);
  }],

  ["shows percentiles and sparklines", QUICK, async (page) => {
    assertEquals(await page.textContent("#p99"), "–");
    await page.click('[data-count="50"]');
    await untilTotals(page, "0", "50", "0");
    await page.waitForFunction(() =>
      ["#histogram path", ".answered path"].every((path) =>
        document.querySelector(path)!.getAttribute("d") !== ""
      )
    );
    for (const id of ["#p50", "#p99"]) {
      assertMatch((await page.textContent(id))!, /^[\d.]+ m?s$/);
    }
  }],

  ["offers samples and code before the first request", QUICK, async (page) => {
    await page.evaluate(() => {
      navigator.clipboard.writeText = (text) => {
        document.body.dataset["copied"] = text;
        return Promise.resolve();
      };
    });
    const copied = () => page.evaluate(() => document.body.dataset["copied"]);
    await page.click(".snippet button");
    assertEquals(
      await copied(),
      `curl --data-raw '{"request_id": "01", "data": "Hub&&name&&qwe"}' '${page.url()}'`,
    );
    await page.click("#samples >> text=Duplicate id");
    await page.reload();
    await page.waitForSelector('[data-state="open"]');
    await page.click("#compose .primary");
    await untilTotals(page, "0", "1", "1");
    assertEquals(await page.isVisible("#welcome"), false);
    assertMatch((await rows(page)).join(), /duplicate_request_id/);
    await page.click("#clear");
    await page.waitForSelector("#welcome");
  }],

  ["gives ids in flight a number", KNOWN, async (page) => {
    for (let i = 0; i < 2; i++) await send(page, { request_id: NEVER_ID, data: "" });
    await untilTotals(page, "2", "0", "0");
    assertEquals(await rows(page), [`${NEVER_ID} In flight`, `${NEVER_ID}-1 In flight`]);
  }],

  ["keeps the chosen colors", QUICK, async (page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.selectOption("#theme", "dark");
    const dark = await background();
    await page.selectOption("#theme", "light");
    assert(await background() !== dark);
    await page.reload();
    assertEquals(await page.inputValue("#theme"), "light");
    await page.selectOption("#theme", "system");
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
