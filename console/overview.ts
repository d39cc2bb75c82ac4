/**
 * A whole run on one canvas, a line for each request. A part of it can be brushed with a pointer.
 *
 * @module
 */

import { brushOf } from "./brush.ts";
import { latenessOf, type State, stateOf } from "./outcome.ts";
import { count, find } from "./page.ts";
import type { Run } from "./request_log.ts";
import type { Brush } from "./selection.ts";

/** How many requests are drawn in a millisecond at most, so that long runs leave time for others. */
const DRAWN_PER_MS = 100;

/** How opaque lines are at least where many share a pixel. */
const MIN_ALPHA = 0.15;

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** In the order in which they are drawn: rare ones come last, so that no others hide them. */
const STATES: readonly State[] = [
  "queued",
  "in-flight",
  "answered",
  "late",
  "cancelled",
  "failed",
];

/** What an overview shows. */
export interface OverviewState {
  readonly run: Run;
  /** How far the time axis reaches, in milliseconds. */
  readonly reach: number;
  readonly now: number;
  readonly isConnected: boolean;
  readonly brush: Brush | undefined;
}

/** The overview of a run. */
export class Overview {
  readonly #element = find("#overview");
  readonly #canvas = find<HTMLCanvasElement>("#overview canvas");
  readonly #box = find("#brush");
  readonly #clear = find<HTMLButtonElement>("#clear-brush");
  readonly #context = this.#canvas.getContext("2d")!;
  readonly #colors: Partial<Record<State, string>> = {};
  #theme = "";
  #shown: OverviewState | undefined;
  #drawnAt = -Infinity;

  /** Creates an empty overview, which calls `brushed` when the user brushes, or ends brushing. */
  constructor(brushed: (brush: Brush | undefined) => void) {
    const canvas = this.#canvas;
    this.#clear.onclick = () => brushed(undefined);
    canvas.onpointerdown = (down) => {
      if (down.button !== 0) return;
      canvas.setPointerCapture(down.pointerId);
      canvas.onpointermove = canvas.onpointerup = (point) => {
        const box = canvas.getBoundingClientRect();
        if (this.#shown !== undefined) brushed(brushOf(down, point, box, this.#shown));
      };
    };
    canvas.onlostpointercapture = () => canvas.onpointermove = canvas.onpointerup = null;
  }

  /** Shows a run, or nothing. */
  show(state: OverviewState | undefined): void {
    this.#shown = state;
    this.#element.hidden = state === undefined;
    if (state === undefined) return;
    this.#showBrush(state);
    const { run, now } = state;
    if (run.inFlight > 0 && now - this.#drawnAt < run.sent.length / DRAWN_PER_MS) return;
    this.#drawnAt = now;
    this.#draw(state);
  }

  #showBrush({ run, reach, brush }: OverviewState): void {
    this.#box.hidden = this.#clear.hidden = brush === undefined;
    if (brush === undefined) return;
    const percent = (part: number) => `${100 * Math.min(1, part)}%`;
    const { style } = this.#box;
    style.left = percent(brush.from / reach);
    style.right = percent(1 - Math.min(1, brush.to / reach));
    style.top = percent(brush.first / run.sent.length);
    style.bottom = percent(1 - (brush.last + 1) / run.sent.length);
  }

  #draw({ run, reach, now, isConnected }: OverviewState): void {
    this.#updateColors();
    const canvas = this.#canvas;
    const width = canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    const height = canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    const { startedAt, sent } = run;
    const pitch = height / sent.length;
    const thickness = Math.max(1, pitch > 3 ? pitch - 1 : pitch);
    const lines = Map.groupBy(sent.keys(), (i) => stateOf(sent[i]!, isConnected));
    this.#context.globalAlpha = Math.max(MIN_ALPHA, Math.min(1, 2 * pitch));
    const draw = (i: number, state: State, from: number, to: number) => {
      const [left, right] = [from, to].map((at) => (at - startedAt) / reach * width);
      this.#context.fillStyle = this.#colors[state]!;
      this.#context.fillRect(left!, i * pitch, Math.max(1, right! - left!), thickness);
    };
    for (const state of STATES) {
      for (const i of lines.get(state) ?? []) {
        const { sentAt, ending } = sent[i]!;
        const end = ending?.at ?? now;
        const due = state === "late" ? end - latenessOf(sent[i]!)! : end;
        draw(i, state === "late" ? "answered" : state, sentAt, due);
        if (state === "late") draw(i, state, due, end);
      }
    }
    const open = run.inFlight > 0 ? `, ${count(run.inFlight)} of them open` : "";
    canvas.ariaLabel = `${count(sent.length)} requests over time${open}`;
  }

  /** Reads the colors of the states from the style sheet. */
  #updateColors(): void {
    const theme = `${document.documentElement.dataset["theme"]} ${DARK.matches}`;
    if (theme === this.#theme) return;
    this.#theme = theme;
    for (const state of STATES) {
      this.#canvas.className = state;
      this.#colors[state] = getComputedStyle(this.#canvas).color;
    }
    this.#canvas.className = "";
  }
}
