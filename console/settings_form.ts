/**
 * The server's settings, to see and to change.
 *
 * @module
 */

import type { ControlClient, Settings } from "./control_client.ts";
import { attempt, find } from "./page.ts";

/** The server's settings. */
export class SettingsForm {
  readonly #delay = find<HTMLInputElement>("#setting-delay");
  readonly #fault = find<HTMLInputElement>("#setting-fault");
  readonly #seed = find<HTMLInputElement>("#setting-seed");

  /** Creates an empty form, which calls `announce` when settings have changed. */
  constructor(client: ControlClient, announce: (text: string) => void) {
    const error = find("#settings-error");
    find<HTMLFormElement>("#settings-form").onsubmit = async (event) => {
      event.preventDefault();
      const isChanged = await attempt(error, () => client.changeSettings(this.#changes()));
      if (!isChanged) return;
      for (const input of [this.#delay, this.#fault, this.#seed]) input.defaultValue = input.value;
      announce("The settings have changed.");
    };
  }

  /** Shows settings, except in fields that the user has changed. */
  show({ delay, fault, seed }: Settings): void {
    for (
      const [input, value] of [
        [this.#delay, delay],
        [this.#fault, fault ?? ""],
        [this.#seed, seed === null ? "" : String(seed)],
      ] as const
    ) {
      const isChanged = hasChanged(input);
      input.defaultValue = value;
      if (!isChanged) input.value = value;
    }
  }

  #changes(): Partial<Settings> {
    const seed = this.#seed.value === "" ? null : this.#seed.valueAsNumber;
    return {
      ...(hasChanged(this.#delay) && { delay: this.#delay.value }),
      ...(hasChanged(this.#fault) && { fault: this.#fault.value || null }),
      ...(hasChanged(this.#seed) && { seed }),
    };
  }
}

/** Whether the field differs from the server's value. */
function hasChanged({ value, defaultValue }: HTMLInputElement): boolean {
  return value !== defaultValue;
}
