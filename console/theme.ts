/**
 * The colors of the page: those of the system, light or dark.
 *
 * @module
 */

import { find } from "./page.ts";

/** Where the browser keeps the choice. */
const KEY = "asyncpkt.theme";

/** Applies the saved theme, and calls `changed` when the user or the system chooses another. */
export function setUpTheme(changed: () => void): void {
  const select = find<HTMLSelectElement>("#theme");
  const apply = () => document.documentElement.dataset["theme"] = select.value;
  select.value = localStorage.getItem(KEY) ?? "system";
  if (select.value === "") select.value = "system";
  apply();
  select.onchange = () => {
    localStorage.setItem(KEY, select.value);
    apply();
    changed();
  };
  matchMedia("(prefers-color-scheme: dark)").onchange = changed;
}
