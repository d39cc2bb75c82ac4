import { assert, assertEquals } from "@std/assert";
import { type ManualClock, manualClock, serve, type ServeOptions, type Server } from "../server.ts";
import { findBrowser, type Page, startBrowser } from "../tests/support/browser.ts";
import { ConsoleTab, violations } from "../tests/support/console_tab.ts";
import { awaitedLater, until } from "../tests/support/waiting.ts";

/** Delays are 2 s, by a clock that stands still. */
function steered(options: ServeOptions = {}): ServeOptions<ManualClock> {
  return { port: 0, control: true, delay: { min: 2, max: 2 }, ...options, clock: manualClock() };
}

const browserPath = findBrowser();

/** Opens the server's view, until it is disposed of. */
async function openView(tab: ConsoleTab, server: Server): Promise<AsyncDisposable> {
  const opened = await tab.connect(server);
  await tab.page.click("#views a >> text=Server");
  await untilText(tab.page, "#server-count", "requests");
  return opened;
}

/** Waits until an element contains a text. */
async function untilText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector, { hasText: text }).waitFor({ state: "attached" });
}

/** Waits until some cells of all rows have these texts, the newest row first. */
async function untilRows(page: Page, cells: string[], ...rows: string[]): Promise<void> {
  await page.waitForFunction(([cells, expected]) => {
    const texts = Array.from(document.querySelectorAll(".entry"), (row) => {
      return cells!.map((cell) => row.querySelector(`.${cell}`)!.textContent).join(" ");
    });
    return texts.join("\n") === expected!.join("\n");
  }, [cells, rows]);
}

/** Sends requests by POST, as one connection; resolves when all have ended. */
function post({ url }: Server, ...ids: (string | number)[]): Promise<unknown> {
  const body = JSON.stringify(ids.map((request_id) => ({ request_id, data: "Hub&&name&&qwe" })));
  const answers = fetch(url.replace("ws", "http"), { method: "POST", body });
  return awaitedLater(answers.then((response) => response.text()));
}

/** A way to use the view, and the options of its server. */
type Story = readonly [
  what: string,
  run: (page: Page, server: Server<ManualClock>) => Promise<void>,
];

const stories: Story[] = [
  ["shows requests of all connections, and moves the clock", async (page, server) => {
    const answers = post(server, "A", 7);
    await untilRows(
      page,
      ["number", "from", "id", "data", "state", "delay", "due", "ended"],
      "2 2 7 Hub&&name&&qwe in flight 2.00 2.00 ",
      "1 2 A Hub&&name&&qwe in flight 2.00 2.00 ",
    );
    await untilText(page, "#clock-in-flight", "2");
    await page.click("text=+1 s");
    await untilText(page, "#clock-now", "1.00");
    await page.fill("#clock-step", "0.5");
    await page.keyboard.press("Enter");
    await untilText(page, "#clock-now", "1.50");
    await page.click("#clock-next");
    await untilRows(page, ["id", "state", "ended"], "7 answered 2.00", "A answered 2.00");
    await untilText(page, "#server-announcements", "2 answered at 2.00 s.");
    await answers;
  }],

  ["holds requests, and releases them one by one and all at once", async (page, server) => {
    const first = post(server, "A");
    await untilRows(page, ["id", "state"], "A in flight");
    await page.click(".entry button");
    await untilText(page, "#rules .code", '{"match": {"id": "A"}, "hold": true}');
    server.rules.add({ match: { id: "B" }, hold: true });
    server.rules.add({ match: { id: "C" }, hold: true });
    const rest = post(server, "A", "B", "C");
    await untilRows(
      page,
      ["id", "state", "rule"],
      "C held 3",
      "B held 2",
      "A held 1",
      "A in flight ",
    );
    await untilText(page, "#clock-held", "3");
    await untilText(page, "#rules li:last-child .matched", "1 matched");
    await page.click("[aria-label='Release B']");
    await untilRows(page, ["id", "state"], "C held", "B answered", "A held", "A in flight");
    await page.click("#release-all");
    await untilRows(page, ["id", "state"], "C answered", "B answered", "A answered", "A in flight");
    assertEquals(await page.isDisabled("#release-all"), true);
    server.clock.advance(2000);
    await Promise.all([first, rest]);
  }],

  ["filters requests by state and by text", async (page, server) => {
    server.rules.add({ match: { id: "held" }, hold: true });
    server.rules.add({ match: { id: "wrong" }, error: { code: "overloaded", message: "Later" } });
    const answers = post(server, "held", "wrong", "other");
    await untilText(page, "#server-count", "3 requests");
    await page.selectOption("#server-state", "error");
    await untilRows(page, ["id", "state"], "wrong error: overloaded");
    await untilText(page, "#server-count", "1 of 3 requests");
    await page.selectOption("#server-state", "");
    await page.fill("#server-search", "OTH");
    await untilRows(page, ["id"], "other");
    server.reset();
    await answers;
  }],

  ["adds, switches and removes rules", async (page, server) => {
    await page.fill("#rule", '{"match": {"nth": 0}}');
    await page.click("#rule-form button");
    await untilText(page, "#rule-error", "match.nth: expected an integer of at least 1, got 0");
    await page.fill("#rule", '{"match": {"nth": 1}, "fault": "drop"}');
    await page.click("#rule-form button");
    await untilText(page, "#rules .code", '{"match": {"nth": 1}, "fault": "drop"}');
    assertEquals(await page.textContent("#rule-error"), "");
    assertEquals(await page.inputValue("#rule"), "");
    await page.uncheck("#rules input");
    await until("the rule is off", () => server.rules.list()[0]!.enabled === false);
    const { number } = server.rules.list()[0]!;
    server.rules.enable(number, true);
    await page.waitForSelector("#rules input:checked");
    await page.click(`[aria-label="Remove rule ${number}"]`);
    await page.waitForSelector("#rules li", { state: "detached" });
    assertEquals(server.rules.size, 0);
  }],

  ["shows and changes settings, and keeps what the user types", async (page, server) => {
    assertEquals(await page.inputValue("#setting-delay"), "2");
    await page.fill("#setting-delay", "1..");
    await page.fill("#setting-fault", "drop=0.1");
    server.change({ delay: "7", seed: 3 });
    await page.waitForFunction(() =>
      document.querySelector<HTMLInputElement>("#setting-seed")!.value === "3"
    );
    await page.click("text=Apply");
    await untilText(page, "#settings-error", '"1.."');
    await page.fill("#setting-delay", "1..3");
    await page.click("text=Apply");
    await untilText(page, "#server-announcements", "The settings have changed.");
    assertEquals(await page.textContent("#settings-error"), "");
    assertEquals(server.settings, { delay: "1..3", fault: "drop=0.1", seed: 3 });
    server.change({ fault: null });
    await page.waitForFunction(() =>
      document.querySelector<HTMLInputElement>("#setting-fault")!.value === ""
    );
  }],

  ["resets the server, but not before the user agrees", async (page, server) => {
    const answers = post(server, "A");
    await untilRows(page, ["id"], "A");
    await page.click("#reset");
    await page.click("dialog >> text='Cancel'");
    await page.click("#reset");
    assertEquals(server.requests.length, 1);
    await page.click("dialog >> text='Reset'");
    await untilRows(page, ["id"]);
    await answers;
    const again = post(server, "B");
    await untilRows(page, ["number", "id"], "1 B");
    server.reset();
    await again;
  }],

  ["can be used by keyboard alone", async (page, server) => {
    const press = (key: string) => page.keyboard.press(key);
    server.rules.add({ match: {}, hold: true });
    const answers = post(server, ...Array.from({ length: 100 }, (_, i) => `r${i}`));
    await untilText(page, "#server-count", "100 requests");
    await page.focus("#release-all");
    await press("Tab");
    const focused = () => page.evaluate(() => document.activeElement!.ariaLabel);
    for (const [key, id] of [["ArrowDown", 98], ["End", 0], ["ArrowUp", 1], ["PageUp", 11]]) {
      await press(key as string);
      assertEquals(await focused(), `Release r${id}`);
    }
    await press("Enter");
    await page.waitForFunction(() =>
      document.activeElement!.ariaLabel === "Hold next requests with id r11"
    );
    assertEquals(server.requests[11]!.outcome, "answered");
    assertEquals(await page.locator(".entry [tabindex='0']").count(), 1);
    await page.locator("#server-view .scroll").evaluate((scroll) => scroll.scrollTop = 0);
    await page.waitForSelector("[aria-label='Release r99']");
    assertEquals(await focused(), "Hold next requests with id r11", "out of sight");
    server.reset();
    await answers;
  }],

  ["keeps 10,000 requests with few elements, and what the user looks at", async (page, server) => {
    server.change({ delay: "0" });
    const postMany = async (thousands: number) => {
      const ids = Array.from({ length: 1000 }, (_, id) => id);
      for (let i = 0; i < thousands; i++) await post(server, ...ids);
    };
    await postMany(6);
    await untilText(page, "#server-count", "6,000 requests");
    const scroll = page.locator("#server-view .scroll");
    await scroll.evaluate((scroll) => scroll.scrollTop = 20_000);
    const seen = () =>
      scroll.evaluate((scroll) => {
        const { left, top } = scroll.getBoundingClientRect();
        const row = document.elementFromPoint(left + 200, top + 60)?.closest(".entry");
        return row?.querySelector(".number")?.textContent;
      });
    await until("the rows are there", async () => await seen() !== undefined);
    const before = await seen();
    await postMany(6);
    await untilText(page, "#server-count", "10,000 requests");
    assertEquals(await seen(), before);
    const rows = await page.locator(".entry").count();
    assert(rows < 100, `${rows} rows`);
  }],
];

Deno.test({
  name: `the console's view of the server, in a browser${
    browserPath ? "" : " (ignored: there is no chromium here)"
  }`,
  ignore: browserPath === undefined,
  // On Deno 2.7, a connection that the browser keeps open may outlast the server.
  sanitizeOps: !Deno.version.deno.startsWith("2.7."),
  async fn(t) {
    const browser = await startBrowser(browserPath!);
    try {
      const desktop = new ConsoleTab(await browser.newPage());
      const viewport = { width: 390, height: 844 };
      const phone = new ConsoleTab(
        await browser.newPage({ viewport, isMobile: true, hasTouch: true }),
      );
      for (const [what, run] of stories) {
        await t.step(what, async () => {
          await using server = serve(steered());
          await using _ = await openView(desktop, server);
          await run(desktop.page, server);
          // Browsers log each refusal.
          assertEquals(desktop.problems.filter((line) => !line.includes("400")), []);
        });
      }
      await t.step("is not there without the control API", () => isAbsent(desktop));
      await t.step("sends the token", () => tokenIsSent(desktop));
      await t.step("recovers when the server is back", () => serverComesBack(desktop));
      await t.step("is accessible", () => isAccessible(desktop));
      await t.step("is accessible on a phone", () => isAccessible(phone));
    } finally {
      await browser.close();
    }
  },
});

async function isAbsent(tab: ConsoleTab): Promise<void> {
  await using server = serve({ port: 0 });
  await using _ = await tab.connect(server);
  await tab.page.goto(`${tab.page.url()}#server`);
  await tab.page.waitForSelector('[data-state="open"]');
  assertEquals(await tab.page.isVisible("#views"), false);
  assertEquals(await tab.page.isVisible("#compose"), true);
  assertEquals(tab.problems, []);
}

async function tokenIsSent(tab: ConsoleTab): Promise<void> {
  const token = "a+b/c=";
  await using server = serve(steered({ token }));
  await using _ = await tab.open(server);
  const { page } = tab;
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await page.click("#views a >> text=Server");
  await untilText(page, "#server-count", "0 requests");
  server.rules.add({ match: {}, hold: true });
  await untilText(page, "#rules", "hold");
  assertEquals(tab.problems, []);
}

async function serverComesBack(tab: ConsoleTab): Promise<void> {
  const first = serve(steered());
  await using _ = await openView(tab, first);
  const { page } = tab;
  await first.drain();
  await untilText(page, "#server-error", "No events from the server");
  await using second = serve(steered({ port: first.port }));
  await untilText(page, '[data-state="open"]', "Connected");
  const answers = post(second, "A");
  await untilRows(page, ["id"], "A");
  assertEquals(await page.textContent("#server-error"), "");
  second.reset();
  await answers;
}

async function isAccessible(tab: ConsoleTab): Promise<void> {
  await using server = serve(steered());
  await using _ = await openView(tab, server);
  const { page } = tab;
  server.rules.add({ match: { id: "held" }, hold: true });
  server.rules.add({ match: { id: "wrong" }, error: { code: "overloaded", message: "Later" } });
  const answers = post(server, "held", "wrong", "other", "last");
  await untilText(page, "#server-count", "4 requests");
  await page.fill("#rule", "{");
  await page.click("#rule-form button");
  await untilText(page, "#rule-error", "expected");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    assertEquals(await violations(page), []);
  }
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assertEquals(isWide, false, "the page scrolls sideways");
  server.reset();
  await answers;
}
