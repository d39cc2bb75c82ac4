/**
 * The server's clock, and the steps of a manual one.
 *
 * @module
 */

import type { ClockState, ClockStep, ControlClient } from "./control_client.ts";
import { attempt, count, find, serverTime } from "./page.ts";

/** The server's clock. */
export class ClockPanel {
  readonly #client: ControlClient;
  readonly #announce: (text: string) => void;
  readonly #form = find<HTMLFormElement>("#clock-form");
  readonly #step = find<HTMLInputElement>("#clock-step");
  readonly #error = find("#clock-error");
  readonly #now = find("#clock-now");
  #state: ClockState | undefined;
  /** When the state was received, in milliseconds. */
  #receivedAt = 0;

  /** Creates a panel, which calls `announce` with the result of a step. */
  constructor(client: ControlClient, announce: (text: string) => void) {
    this.#client = client;
    this.#announce = announce;
    find("#clock-next").onclick = () => this.#move({ to: "next" });
    find("#clock-second").onclick = () => this.#move({ advance: 1 });
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#move({ advance: this.#step.valueAsNumber });
    };
  }

  /** Shows a state. */
  show(state: ClockState): void {
    this.#state = state;
    this.#receivedAt = performance.now();
    find("#clock-mode").textContent = state.mode;
    find("#clock-next-due").textContent = serverTime(state.next, "–");
    find("#clock-in-flight").textContent = count(state.in_flight);
    find("#clock-held").textContent = count(state.held);
    this.#form.hidden = state.mode !== "manual";
    this.tick();
  }

  /** Shows the time, which has passed since the state was received. */
  tick(): void {
    if (this.#state === undefined) return;
    const { mode, now } = this.#state;
    const passed = (performance.now() - this.#receivedAt) / 1000;
    this.#now.textContent = serverTime(now + passed * speedOf(mode));
  }

  async #move(step: ClockStep): Promise<void> {
    await attempt(this.#error, async () => {
      const { length } = await this.#client.moveClock(step);
      this.show(await this.#client.clock());
      this.#announce(`${count(length)} answered at ${serverTime(this.#state!.now)} s.`);
    });
  }
}

/** Returns how fast the time of a mode passes. */
function speedOf(mode: string): number {
  if (mode === "manual") return 0;
  return mode.startsWith("x") ? Number(mode.slice(1)) : 1;
}
