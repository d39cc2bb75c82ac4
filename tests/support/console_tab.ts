/**
 * A browser's page that shows consoles of servers.
 *
 * @module
 */

import { axe, type Page } from "./browser.ts";
import { PATIENCE } from "./waiting.ts";

/** A page of a browser, for consoles. Tests share it, as making a page takes long. */
export class ConsoleTab {
  /** Errors and warnings of the page, and its requests to other servers. */
  problems: string[] = [];
  #url = "";

  /** Sets up a page of a browser. */
  constructor(readonly page: Page) {
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.problems.push(message.text());
    });
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.#url)) {
        this.problems.push(`It asks for ${request.url()}`);
      }
    });
  }

  /** Opens the console of a server, until it is disposed of. */
  async open(server: { url: string }): Promise<AsyncDisposable> {
    this.#url = `${server.url.replace("ws", "http")}/`;
    this.problems = [];
    await this.page.goto(this.#url);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#url = "about:blank";
        await this.page.goto(this.#url);
      },
    };
  }

  /** Opens the console of a server, and waits until it is connected. */
  async connect(server: { url: string }): Promise<AsyncDisposable> {
    const opened = await this.open(server);
    await this.page.waitForSelector('[data-state="open"]');
    return opened;
  }
}

/** Returns what is not accessible in a page. */
export async function violations(page: Page): Promise<string[]> {
  if (await page.evaluate(() => !("axe" in globalThis))) await page.evaluate(axe.source);
  const found = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ["violations"] })
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
