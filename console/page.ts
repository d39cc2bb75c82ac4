/**
 * Helpers for what the page shows: elements, and numbers as text.
 *
 * @module
 */

import { ControlError } from "./control_client.ts";

const numberFormat = new Intl.NumberFormat("en");
const timeFormat = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/**
 * Returns the element that `selector` finds.
 *
 * @throws {Error} if there is none.
 */
export function find<T extends Element = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): T {
  const found = within.querySelector<T>(selector);
  if (found === null) throw new Error(`The page has no ${selector}`);
  return found;
}

/** Returns a copy of the element in the template with this id. */
export function copyTemplate<T extends Element>(id: string): T {
  const template = find<HTMLTemplateElement>(`#${id}`);
  return template.content.firstElementChild!.cloneNode(true) as T;
}

/** Returns a new element with its class and its text. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = "",
  text = "",
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className !== "") element.className = className;
  element.textContent = text;
  return element;
}

/** How long a button shows that it has copied, in milliseconds. */
const COPIED_TIME = 1500;

/** Has a button copy a text, and show that it did. */
export function copyWhenClicked(button: HTMLButtonElement, text: () => string): void {
  const title = button.textContent;
  button.onclick = async () => {
    await copy(text());
    button.textContent = "Copied";
    button.classList.add("copied");
    setTimeout(() => {
      button.textContent = title;
      button.classList.remove("copied");
    }, COPIED_TIME);
  };
}

/** Copies a text, also in pages without TLS, for which browsers have no clipboard. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text);
  const field = make("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

/** How many rows each key moves. */
const STEPS_BY_KEY: Readonly<Record<string, number>> = {
  ArrowUp: -1,
  ArrowDown: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
};

/** Returns how many rows of a table a key moves; undefined if it is for something else. */
export function rowSteps({ key, altKey, ctrlKey, metaKey }: KeyboardEvent): number | undefined {
  return altKey || ctrlKey || metaKey ? undefined : STEPS_BY_KEY[key];
}

/** Formats a count. */
export function count(n: number): string {
  return numberFormat.format(n);
}

/** Formats a duration, given in milliseconds. */
export function duration(milliseconds: number): string {
  if (Math.abs(milliseconds) >= 999.5) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds.toFixed(Math.abs(milliseconds) < 10 ? 1 : 0)} ms`;
}

/** Formats the time of day of a `performance.now()`. */
export function timeOfDay(at: number): string {
  return timeFormat.format(performance.timeOrigin + at);
}

/** Formats a time of the server's clock, given in seconds; null is shown as `none`. */
export function serverTime(seconds: number | null, none = ""): string {
  return seconds?.toFixed(2) ?? none;
}

/** Calls the server; returns whether it succeeds, and if not, shows the reason in an element. */
export async function attempt(
  error: HTMLElement,
  call: () => Promise<unknown>,
): Promise<boolean> {
  error.textContent = "";
  try {
    await call();
    return true;
  } catch (thrown) {
    error.textContent = reasonOf(thrown);
    return false;
  }
}

/** Returns why a call of the control API failed. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof ControlError ? thrown.message : "the server could not be reached";
}
