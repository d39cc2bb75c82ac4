/**
 * The controls above the page's own requests: filter, order and export.
 *
 * @module
 */

import { ndjsonOf } from "./export.ts";
import { find, make } from "./page.ts";
import { ALL, type Selection, type SortKey } from "./selection.ts";
import type { Timeline } from "./timeline.ts";

/** Sets up the controls of a timeline. */
export function setUpToolbar(timeline: Timeline): void {
  const state = find<HTMLSelectElement>("#request-state");
  const search = find<HTMLInputElement>("#request-search");
  state.onchange = () => timeline.select({ state: state.value as Selection["state"] });
  search.oninput = () => timeline.select({ text: search.value });
  for (const button of document.querySelectorAll<HTMLButtonElement>("#timeline [data-sort]")) {
    button.onclick = () => {
      timeline.select(nextOrder(timeline.selection, button.dataset["sort"] as SortKey));
      showOrder(timeline.selection);
    };
  }
  find("#export").onclick = () => {
    const text = ndjsonOf(timeline.shown, performance.timeOrigin, timeline.isConnected);
    download("requests.ndjson", "application/x-ndjson", text);
  };
}

/** Returns the order after a column was chosen: ascending, descending, then as sent. */
export function nextOrder(
  { sort, isDescending }: Selection,
  key: SortKey,
): Pick<Selection, "sort" | "isDescending"> {
  if (sort !== key) return { sort: key, isDescending: false };
  return isDescending ? { sort: ALL.sort, isDescending: false } : { sort, isDescending: true };
}

function showOrder({ sort, isDescending }: Selection): void {
  for (const button of document.querySelectorAll<HTMLElement>("#timeline [data-sort]")) {
    const isSorted = button.dataset["sort"] === sort;
    const order = isDescending ? "descending" : "ascending";
    button.parentElement!.ariaSort = isSorted ? order : "none";
  }
}

function download(name: string, type: string, text: string): void {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
