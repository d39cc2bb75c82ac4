/**
 * Which of the page's own requests the table shows, and in which order.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import type { Sent } from "./exchange.ts";
import { latenessOf, type State, stateOf } from "./outcome.ts";
import type { Run } from "./request_log.ts";

/** The orders of requests; `sent` keeps runs together, the newest first. */
export type SortKey = "sent" | "id" | "delay" | "lateness" | "place";

/** Which requests to show. */
export interface Selection {
  /** A state; empty for all. */
  state: State | "";
  /** A text in the id or the data, in any case; empty for all. */
  text: string;
  sort: SortKey;
  isDescending: boolean;
  /** A part of a run; undefined for all requests. */
  brush: Brush | undefined;
}

/** A part of a run: those of its requests that ended in a span of time, or are open until then. */
export interface Brush {
  readonly run: Run;
  /** Positions of the first and the last request in the run. */
  readonly first: number;
  readonly last: number;
  /** Milliseconds since the start of the run. */
  readonly from: number;
  readonly to: number;
}

/** A selection of all requests. */
export const ALL: Readonly<Selection> = {
  state: "",
  text: "",
  sort: "sent",
  isDescending: false,
  brush: undefined,
};

const compareText = new Intl.Collator("en", { numeric: true }).compare;

/** Returns the requests that are shown, and the runs as their titles if they are in that order. */
export function select(
  runs: readonly Run[],
  selection: Selection,
  isConnected: boolean,
): (Sent | Run)[] {
  const { state, brush, sort, isDescending } = selection;
  const text = selection.text.toLowerCase();
  const isShown = (sent: Sent) =>
    (state === "" || stateOf(sent, isConnected) === state) && (text === "" || hasText(sent, text));
  const groups = (brush === undefined ? runs : runs.filter((run) => run === brush.run))
    .map((run) => ({ run, sent: (brush ? brushed(brush) : run.sent).filter(isShown) }))
    .filter(({ sent }) => sent.length > 0);
  if (sort === "sent") return groups.flatMap(({ run, sent }) => [run, ...sent]);
  return sorted(groups.flatMap(({ sent }) => sent), sort, isDescending);
}

/** Whether a selection shows all requests. */
export function isAll({ state, text, brush }: Selection): boolean {
  return state === "" && text === "" && brush === undefined;
}

/** Whether the rows of a selection may change when a request ends. */
export function dependsOnAnswers({ state, sort, brush }: Selection): boolean {
  return state !== "" || brush !== undefined || sort !== "sent" && sort !== "id";
}

function hasText({ draft }: Sent, text: string): boolean {
  return String(draft.id ?? "no id").toLowerCase().includes(text) ||
    draft.data.toLowerCase().includes(text);
}

function brushed({ run, first, last, from, to }: Brush): Sent[] {
  return run.sent.slice(first, last + 1).filter(({ sentAt, ending }) => {
    if (ending === undefined) return sentAt - run.startedAt <= to;
    const at = ending.at - run.startedAt;
    return at >= from && at <= to;
  });
}

/** Sorts requests; those without a value come last. */
function sorted(sent: Sent[], key: SortKey, isDescending: boolean): Sent[] {
  const sign = isDescending ? -1 : 1;
  if (key === "id") {
    return sent.sort((a, b) => sign * compareText(String(a.draft.id), String(b.draft.id)));
  }
  const keyed = sent.map((one) => ({ one, value: valueOf(one, key) }));
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) {
      return Number(a.value === undefined) - Number(b.value === undefined);
    }
    return sign * (a.value - b.value);
  });
  return keyed.map(({ one }) => one);
}

function valueOf(sent: Sent, key: SortKey): number | undefined {
  const { ending } = sent;
  if (key === "lateness") return latenessOf(sent);
  if (key === "place") return ending?.place;
  return ending?.result instanceof Reply ? ending.result.delay : undefined;
}
