import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serve } from "../server.ts";
import { findBrowser, startBrowser } from "../tests/support/browser.ts";
import {
  KNOWN,
  LATER_ID,
  NEVER_ID,
  QUICK,
  rows,
  send,
  SOON_ID,
  type Story,
  tellStories,
  type,
  untilTotals,
} from "../tests/support/console_stories.ts";
import { ConsoleTab, violations } from "../tests/support/console_tab.ts";

const EXAMPLE_TEXT = [
  "{",
  '"Hub": {',
  '1"name": "qwe",',
  '2"id": "123"',
  "},",
  '"Device": {',
  '3"name": "wqe",',
  '4"id": "234"',
  "}",
  "}",
];

const browserPath = findBrowser();

const stories: Story[] = [
  ["splits a frame that is too long for the server", {
    ...QUICK,
    limits: { maxPacketSize: 300 },
  }, async (page) => {
    const long = { request_id: "long", data: "x".repeat(300) };
    const packets = Array.from({ length: 40 }, (_, id) => ({ request_id: id, data: "a&&b&&c" }));
    for (const [answered, failed] of [["40", "1"], ["80", "2"]]) {
      await send(page, ...packets, long);
      await untilTotals(page, "0", answered!, failed!);
    }
  }],
  ["shows the example beside its answer, pair by pair", QUICK, async (page) => {
    await send(page);
    await page.waitForSelector(".representation .pair");
    const lines = await page.locator(".representation .line").allTextContents();
    assertEquals(lines, EXAMPLE_TEXT);
    const source = await page.locator(".source .entity").allTextContents();
    assertEquals(source, ["Hub&&1name&&qwe&&2id&&123&&%%", "Device&&3name&&wqe&&4id&&234&&"]);
    const [row] = await rows(page);
    assertMatch(row!, /^01 0\.\d\d s \d+(\.\d+)? m?s #1$/);

    const lit = () => page.locator(".lit[data-pair]").allTextContents();
    await page.hover(".source [data-pair='3']");
    assertEquals(await lit(), ["3name&&wqe", '3"name": "wqe",']);
    await page.hover(".representation [data-pair='2']");
    assertEquals(await lit(), ["2id&&123", '2"id": "123"']);
    await page.focus(".source [data-pair='4']");
    await page.hover("h1");
    assertEquals(await lit(), ["4id&&234", '4"id": "234"']);
  }],

  ["shows answers as they arrive, out of order", KNOWN, async (page) => {
    await send(page, { request_id: LATER_ID, data: "a&&b&&1" }, {
      request_id: SOON_ID,
      data: "a&&b&&2",
    });
    await untilTotals(page, "0", "2", "0");
    const [later, soon] = await rows(page);
    assert(later!.startsWith(`${LATER_ID} `) && later!.endsWith("#2"), later);
    assert(soon!.startsWith(`${SOON_ID} `) && soon!.endsWith("#1"), soon);
    const [laterBar, soonBar] = await page.locator(".bar").evaluateAll((bars) =>
      bars.map((bar) => bar.getBoundingClientRect().width)
    );
    assert(laterBar! > soonBar!, `bars of ${laterBar} and ${soonBar}`);
  }],

  ["grows the bar of a request in flight", KNOWN, async (page) => {
    await send(page, { request_id: NEVER_ID, data: "a&&b&&c" });
    const bar = page.locator(".request .bar");
    const before = await bar.evaluate((bar) => bar.getBoundingClientRect().width);
    await page.waitForFunction((before) => {
      return document.querySelector(".request .bar")!.getBoundingClientRect().width > before + 5;
    }, before);
  }],

  ["shows errors in their own color, with code and message", KNOWN, async (page) => {
    const packet = { request_id: NEVER_ID, data: "a&&b&&c" };
    await send(page, packet, packet, { request_id: SOON_ID, data: "" }, '{"request_id":', {
      request_id: "x",
    });
    await untilTotals(page, "1", "1", "3");
    const [first, second, answered, broken, invalid] = await rows(page);
    assertEquals(first, `${NEVER_ID} In flight`);
    assertEquals(
      second,
      `${NEVER_ID} Error duplicate_request_id a request with this request_id is in flight on this connection`,
    );
    assertMatch(answered!, /#\d$/);
    assertEquals(broken, "no id Error invalid_json the frame is not JSON");
    assertEquals(invalid, "x Error invalid_packet data is missing");
    const colors = await page.locator(":is(.answered, .late, .failed) .bar").evaluateAll((bars) =>
      bars.map((bar) => getComputedStyle(bar).background)
    );
    assertEquals(new Set(colors).size > 1, true);
    await page.click(".request:last-child th button");
    const shown = await page.locator(".representation .code").textContent();
    assertEquals(shown, "invalid_packet data is missing");
  }],

  ["cancels requests by button, by key and in the detail", KNOWN, async (page) => {
    const ids = ["a", "b", "c"].map((end) => `${NEVER_ID}-${end}`);
    await type(page, { request_id: NEVER_ID, data: "a&&b&&c" });
    const never = ids.map((id) => ({ request_id: id, data: "a&&b&&c" }));
    await send(page, ...never);
    await page.hover(".request >> nth=0");
    await page.click(`[aria-label="Cancel ${ids[0]}"]`);
    await untilTotals(page, "2", "0", "0", "1");
    await page.focus(`.request >> nth=1 >> th button`);
    await page.keyboard.press("Delete");
    await untilTotals(page, "1", "0", "0", "2");
    await page.click(".request >> nth=2 >> th button");
    await page.click("#inspector .cancel");
    await untilTotals(page, "0", "0", "0", "3");
    for (const row of await rows(page)) {
      assertStringIncludes(row, "Cancelled cancelled cancelled by the client");
    }
  }],

  ["reconnects after a drop and sends unanswered requests again", KNOWN, async (page) => {
    await type(page, { request_id: SOON_ID, data: "a&&b&&c" });
    // In one task, before the answer can arrive, but after the packet was sent.
    await page.evaluate(async () => {
      document.querySelector<HTMLButtonElement>("#compose .primary")!.click();
      await Promise.resolve();
      document.querySelector<HTMLButtonElement>("#connection-button")!.click();
    });
    await page.waitForSelector('[data-state="waiting"]');
    assertMatch(
      (await page.textContent("#connection-state"))!,
      /^Not connected: it was dropped\. Next attempt in .*s\.$/,
    );
    await page.waitForSelector('[data-state="open"]');
    await untilTotals(page, "0", "1", "0");
    assertStringIncludes((await page.textContent("#inspector .facts"))!, "Sent2 times");
  }],

  ["shows long and strange texts as they are", QUICK, async (page) => {
    const id = "<img src=x onerror=alert(1)>".repeat(8);
    await send(page, { request_id: id, data: `<b>&&__proto__&&${"x".repeat(5000)}&&\u202e&&\n` });
    await untilTotals(page, "0", "1", "0");
    assertEquals(await page.locator("img").count(), 1);
    const [width, inner] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      innerWidth,
    ]);
    assert(width! <= inner!, "the page scrolls sideways");
    assertStringIncludes((await page.textContent(".representation"))!, '"__proto__": "xxx');
  }],

  ["clears the runs that are over", KNOWN, async (page) => {
    await send(page, { request_id: SOON_ID, data: "" });
    await untilTotals(page, "0", "1", "0");
    await send(page, { request_id: NEVER_ID, data: "" });
    await page.click("#clear");
    await untilTotals(page, "1", "1", "0");
    assertEquals(await rows(page), [`${NEVER_ID} In flight`]);
  }],
];

Deno.test({
  name: `the console, in a browser${browserPath ? "" : " (ignored: there is no chromium here)"}`,
  ignore: browserPath === undefined,
  async fn(t) {
    const browser = await startBrowser(browserPath!);
    try {
      const desktop = new ConsoleTab(await browser.newPage());
      const phone = new ConsoleTab(
        await browser.newPage({
          viewport: { width: 375, height: 700 },
          isMobile: true,
          hasTouch: true,
        }),
      );
      await tellStories(t, stories, desktop);
      await t.step("reconnects when the server is back", () => serverComesBack(desktop));
      await t.step("asks for the token if the server requires one", () => tokenIsAskedFor(desktop));
      await t.step("moves nothing if the user prefers reduced motion", () => nothingMoves(desktop));
      await t.step("is accessible", (t) => isAccessible(t, desktop));
      await t.step("is accessible on a phone", (t) => isAccessible(t, phone));
    } finally {
      await browser.close();
    }
  },
});

async function serverComesBack(tab: ConsoleTab): Promise<void> {
  const first = serve(QUICK);
  await using _ = await tab.connect(first);
  const { page } = tab;
  await first.drain();
  await page.waitForSelector('[data-state="waiting"]');
  assertStringIncludes((await page.textContent("#connection-state"))!, "shutting down (1001)");
  await send(page, "a&&b&&c");
  await using _second = serve({ ...QUICK, port: first.port });
  await untilTotals(page, "0", "1", "0");
}

async function tokenIsAskedFor(tab: ConsoleTab): Promise<void> {
  const token = "a+b/c=";
  await using server = serve({ ...KNOWN, token });
  await using _ = await tab.open(server);
  const { page } = tab;
  const enter = async (text: string) => {
    await page.waitForSelector("dialog[open]");
    await page.fill("#token", text);
    await page.keyboard.press("Enter");
  };
  await page.waitForSelector("dialog[open]");
  assertEquals(await violations(page), []);
  assertEquals(await page.textContent("#token-error"), "");
  assertEquals(await page.textContent("#connection-button"), "Connect now");
  await enter("wrong");
  await page.waitForFunction(() => document.querySelector("#token-error")!.textContent !== "");
  await enter(token);
  await page.waitForSelector('[data-state="open"]');
  await page.reload();
  await page.waitForSelector('[data-state="open"]');
  assertEquals(tab.problems, []);
}

async function nothingMoves(tab: ConsoleTab): Promise<void> {
  await using server = serve(KNOWN);
  await using _ = await tab.connect(server);
  await tab.page.emulateMedia({ reducedMotion: "reduce" });
  await send(tab.page, { request_id: NEVER_ID, data: "a&&b&&c" });
  await tab.page.waitForSelector(".bar", { state: "attached" });
  assertEquals(await tab.page.locator(".bar").isVisible(), false);
  await tab.page.emulateMedia({ reducedMotion: "no-preference" });
}

async function isAccessible(t: Deno.TestContext, tab: ConsoleTab): Promise<void> {
  await using server = serve(KNOWN);
  await using _ = await tab.connect(server);
  const { page } = tab;
  const check = async (state: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await t.step(`when ${state}, in ${colorScheme}`, async () => {
        await page.emulateMedia({ colorScheme });
        assertEquals(await violations(page), []);
      });
    }
  };
  await check("nothing was sent");
  await send(page, { request_id: SOON_ID, data: "Hub&&name&&qwe&&id&&&&x" }, {
    request_id: NEVER_ID,
    data: "",
  }, "{");
  await untilTotals(page, "1", "1", "1");
  await check("nothing is selected");
  if (await page.isHidden("#inspector")) await page.click(".request >> nth=0 >> th button");
  await page.hover(".source .pair");
  await check("connected");
  await page.click("#connection-button");
  await page.waitForSelector('[data-state="waiting"]');
  await check("not connected");
}
