/**
 * The server's rules: a list, and a field for a new one.
 *
 * @module
 */

import type { ControlClient, ListedRule } from "./control_client.ts";
import { attempt, copyTemplate, count, find } from "./page.ts";

/** The server's rules. */
export class RuleList {
  readonly #client: ControlClient;
  readonly #list = find<HTMLOListElement>("#rules");
  readonly #text = find<HTMLTextAreaElement>("#rule");
  readonly #error = find("#rule-error");
  /** The elements by the number of the rule: they stay, so that they keep the focus. */
  #items = new Map<number, HTMLElement>();

  /** Creates an empty list. */
  constructor(client: ControlClient) {
    this.#client = client;
    find<HTMLFormElement>("#rule-form").onsubmit = async (event) => {
      event.preventDefault();
      const isAdded = await attempt(this.#error, () => client.addRule(this.#text.value));
      if (isAdded) this.#text.value = "";
    };
  }

  /** Shows rules, the first that can match first. */
  show(rules: readonly ListedRule[]): void {
    const items = new Map(rules.map((rule) => {
      const item = this.#items.get(rule.number) ?? this.#makeItem(rule.number);
      find<HTMLInputElement>("input", item).checked = rule.enabled;
      find(".matched", item).textContent = `${count(rule.matched)} matched`;
      find(".code", item).textContent = format(rule.rule);
      return [rule.number, item];
    }));
    for (const [number, item] of this.#items) {
      if (!items.has(number)) item.remove();
    }
    this.#items = items;
    let next = this.#list.firstElementChild;
    for (const item of items.values()) {
      if (item === next) next = next.nextElementSibling;
      else this.#list.insertBefore(item, next);
    }
  }

  #makeItem(number: number): HTMLElement {
    const item = copyTemplate<HTMLElement>("rule-template");
    const box = find<HTMLInputElement>("input", item);
    find(".name", item).textContent = `Rule ${number}`;
    box.onchange = async () => {
      const isChanged = await attempt(
        this.#error,
        () => this.#client.enableRule(number, box.checked),
      );
      if (!isChanged) box.checked = !box.checked;
    };
    const remove = find<HTMLButtonElement>("button", item);
    remove.ariaLabel = `Remove rule ${number}`;
    remove.onclick = async () => {
      const isRemoved = await attempt(this.#error, () => this.#client.removeRule(number));
      if (isRemoved) this.#text.focus(); // the button will be gone
    };
    return item;
  }
}

/** Formats a rule as JSON on one line, with a space after each comma. */
function format(rule: unknown): string {
  return JSON.stringify(rule, null, 1).replaceAll(/,\n */g, ", ").replaceAll(/\n */g, "");
}
