/**
 * The view that shows and steers all of a server's requests. It is there if the server has the
 * control API.
 *
 * @module
 */

import { ClockPanel } from "./clock_panel.ts";
import { askHealth, type Health, retryDelay } from "./connection.ts";
import { ControlClient, type JournalEntry } from "./control_client.ts";
import { attempt, count, find, reasonOf } from "./page.ts";
import { RequestList } from "./request_list.ts";
import { RuleList } from "./rule_list.ts";
import type { ServerSentEvent } from "./server_events.ts";
import { showServerFacts } from "./server_facts.ts";
import { ServerTable } from "./server_table.ts";
import { SettingsForm } from "./settings_form.ts";

/** The hash of the view in the page's address. */
const HASH = "#server";

/** The time between updates of the clock, in milliseconds. */
const TICK = 200;

/** The view of the server. */
export class ServerView {
  readonly #client = new ControlClient(new URL("control/", location.href));
  readonly #requests = new RequestList();
  readonly #table = new ServerTable(find("#server-table"), (entry) => this.#act(entry));
  readonly #clock = new ClockPanel(this.#client, announce);
  readonly #rules = new RuleList(this.#client);
  readonly #settings = new SettingsForm(this.#client, announce);
  readonly #error = find("#server-error");
  readonly #state = find<HTMLSelectElement>("#server-state");
  readonly #search = find<HTMLInputElement>("#server-search");
  readonly #releaseAll = find<HTMLButtonElement>("#release-all");
  /** Whether the server has the control API. */
  #isPresent = false;
  #health: Health = {};
  /** Ends following the server's events. */
  #following: AbortController | undefined;
  #isOpen = false;
  #frame: number | undefined;
  /** Whether the counts may have changed since the server was asked for them. */
  #isStale = false;
  #isRefreshing = false;

  /** Creates a view, which is not visible until {@linkcode ServerView.detect} finds the API. */
  constructor() {
    const dialog = find<HTMLDialogElement>("#reset-dialog");
    find("#reset").onclick = () => {
      dialog.returnValue = "";
      dialog.showModal();
    };
    dialog.onclose = () => dialog.returnValue === "reset" && this.#reset();
    this.#releaseAll.onclick = () => attempt(this.#error, () => this.#client.release());
    this.#state.onchange = this.#search.oninput = () => this.#schedule();
    globalThis.addEventListener("hashchange", () => {
      this.#update();
      if (this.#isPresent) showServerFacts(this.#health); // the settings may have changed
    });
    document.addEventListener("visibilitychange", () => this.#update());
  }

  /** Finds out whether the server has the control API; call it whenever a server was reached. */
  async detect(): Promise<void> {
    const health = await askHealth();
    if (health === undefined) return;
    this.#isPresent = health.control === true;
    this.#health = health;
    showServerFacts(this.#health);
    if (this.#isOpen) this.#update();
    else this.#restart();
  }

  /** Shows the view if the address asks for it, and follows the server while it can be seen. */
  #update(): void {
    const isShown = this.#isPresent && location.hash === HASH;
    find("#views").hidden = !this.#isPresent;
    find("#own-view").hidden = isShown;
    find("#server-view").hidden = !isShown;
    for (const link of document.querySelectorAll("#views a")) {
      const isCurrent = (link.getAttribute("href") === HASH) === isShown;
      if (isCurrent) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    // Browsers open few connections to a server; hidden pages leave them to others.
    if (!isShown || document.hidden) this.#stop();
    else if (this.#following === undefined) this.#start();
  }

  #restart(): void {
    this.#stop();
    this.#update();
  }

  #start(): void {
    this.#following = new AbortController();
    this.#follow(this.#following.signal);
  }

  #stop(): void {
    this.#following?.abort();
    this.#following = undefined;
    this.#isOpen = false;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const ticking = setInterval(() => this.#clock.tick(), TICK);
    signal.addEventListener("abort", () => clearInterval(ticking));
    for (let failures = 0; !signal.aborted; failures++) {
      let reason = "the connection was lost";
      try {
        const events = await this.#client.events(signal);
        await this.#load(signal);
        this.#isOpen = true;
        this.#error.textContent = "";
        failures = 0;
        for await (const event of events) this.#receive(event);
      } catch (error) {
        if (!this.#isOpen) reason = reasonOf(error);
      }
      if (signal.aborted) return;
      this.#isOpen = false;
      this.#error.textContent = `No events from the server: ${reason}. The page tries again.`;
      await new Promise((resolve) => setTimeout(resolve, retryDelay(failures)));
    }
  }

  /** Loads the current state. Changes after that come as events. */
  async #load(signal: AbortSignal): Promise<void> {
    const [requests, rules, settings, clock] = await Promise.all([
      this.#client.requests(),
      this.#client.rules(),
      this.#client.settings(),
      this.#client.clock(),
    ]);
    signal.throwIfAborted(); // a newer load may be done
    this.#requests.load(requests);
    this.#rules.show(rules);
    this.#settings.show(settings);
    this.#clock.show(clock);
    this.#schedule();
  }

  #receive({ name, data }: ServerSentEvent): void {
    const state = JSON.parse(data);
    if (name === "request") {
      this.#requests.put(state);
      this.#schedule();
    } else if (name === "rules") this.#rules.show(state);
    else if (name === "settings") this.#settings.show(state);
    else if (name === "clock") this.#clock.show(state);
    else if (name === "reset") this.#restart();
    this.#refresh(); // an answer under way may be older than this event
  }

  /** Asks for the counts of the clock and the rules, which change with each request. */
  async #refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    while (this.#isStale) {
      await new Promise((resolve) => setTimeout(resolve, TICK));
      this.#isStale = false; // before the server is asked: a later event may change its answer
      try {
        this.#clock.show(await this.#client.clock());
        this.#rules.show(await this.#client.rules());
      } catch {
        // The events end as well, and show the reason.
      }
    }
    this.#isRefreshing = false;
  }

  /** Renders the requests once before the next frame, however many events come. */
  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#render();
    });
  }

  #render(): void {
    const filter = { state: this.#state.value, text: this.#search.value };
    const shown = this.#requests.select(filter);
    this.#table.show(shown);
    const all = `${count(this.#requests.size)} requests`;
    const isFiltered = shown.length < this.#requests.size;
    find("#server-count").textContent = isFiltered ? `${count(shown.length)} of ${all}` : all;
    this.#releaseAll.disabled = this.#requests.select({ state: "held", text: "" }).length === 0;
  }

  async #act(entry: JournalEntry): Promise<void> {
    const { id, outcome } = entry;
    if (id === null) return;
    const isHeld = outcome === "held";
    const isDone = await attempt(
      this.#error,
      () => isHeld ? this.#client.release(entry) : this.#client.hold(id),
    );
    if (isDone) {
      announce(isHeld ? `Released ${id}.` : `The server will hold requests with id ${id}.`);
    }
  }

  async #reset(): Promise<void> {
    const isDone = await attempt(this.#error, () => this.#client.reset());
    if (isDone) announce("The server was reset.");
  }
}

function announce(text: string): void {
  find("#server-announcements").textContent = text;
}
