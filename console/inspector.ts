/**
 * One request in full: its source and its representation, with matching pairs in the same color
 * and under the same number.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import { membersOf } from "../protocol/json_text.ts";
import type { Sent } from "./exchange.ts";
import { copyWhenClicked, count, duration, find, make, timeOfDay } from "./page.ts";
import { linesOf, type SourceEntity, type SourcePair, splitData } from "./pairing.ts";
import { curlOf } from "./snippets.ts";
import { target } from "./welcome.ts";

/** The most pairs that are shown, so that the page stays fast. */
const MAX_PAIRS = 200;

/** The most UTF-16 units of data that are shown. */
const MAX_TEXT = 20_000;

/** The panel beside the table that shows a request in full. */
export class Inspector {
  readonly #panel = find("#inspector");
  readonly #title = find("#inspector-title");
  readonly #source = find(".source .code", this.#panel);
  readonly #representation = find(".representation .code", this.#panel);
  readonly #raw = find(".raw", this.#panel);
  readonly #facts = find(".facts", this.#panel);
  readonly #cancel = find<HTMLButtonElement>(".cancel", this.#panel);
  #sent: Sent | undefined;
  /** Called when a key other than Escape is pressed in the panel. */
  onKey: ((event: KeyboardEvent) => void) | undefined;
  /** Called when the user closes the panel. */
  onClose: (() => void) | undefined;

  /** Creates a hidden inspector, which calls `cancel` when the user cancels the request. */
  constructor(cancel: (sent: Sent) => void) {
    this.#cancel.onclick = () => this.#sent && cancel(this.#sent);
    copyWhenClicked(
      find("#copy-curl"),
      () => curlOf(this.#sent?.draft.text ?? "", target()),
    );
    find("#inspector-close").onclick = () => this.onClose?.();
    this.#panel.onkeydown = (event) =>
      event.key === "Escape" ? this.onClose?.() : this.onKey?.(event);
    const panes = find(".panes", this.#panel);
    const light = (event: Event) => this.#highlight(pairAt(event.target));
    const restore = () => this.#highlight(pairAt(document.activeElement));
    panes.addEventListener("pointerover", light);
    panes.addEventListener("pointerleave", restore);
    panes.addEventListener("focusin", light);
    panes.addEventListener("focusout", restore);
  }

  /** The shown request; undefined if the panel is hidden. */
  get sent(): Sent | undefined {
    return this.#sent;
  }

  /** Whether the focus is in the panel. */
  get hasFocus(): boolean {
    return this.#panel.contains(document.activeElement);
  }

  /** Hides the panel. */
  hide(): void {
    this.#sent = undefined;
    this.#panel.hidden = true;
  }

  /** Shows a request. */
  show(sent: Sent): void {
    this.#sent = sent;
    const { draft } = sent;
    this.#panel.hidden = false;
    this.#panel.scrollTop = 0;
    this.#title.textContent = draft.id === null ? "No id" : String(draft.id);
    const isCut = draft.data.length > MAX_TEXT;
    const data = isCut ? draft.data.slice(0, MAX_TEXT) : draft.data;
    if (draft.kind === "broken") this.#source.replaceChildren(data);
    else this.#source.replaceChildren(...sourceNodes(splitData(data)));
    if (isCut) {
      this.#source.append(make("p", "hint", `… ${count(draft.data.length)} characters in total`));
    }
    this.update();
  }

  /** Shows the current state of the request. */
  update(): void {
    const { draft, sentAt, sendings, ending } = this.#sent!;
    this.#cancel.hidden = ending !== undefined || draft.id === null;
    const facts: [name: string, value: string][] = [["Sent at", timeOfDay(sentAt)]];
    if (sendings > 1) facts.push(["Sent", `${sendings} times, since the connection was lost`]);
    if (ending === undefined) {
      this.#representation.replaceChildren(make("p", "hint", "Not answered yet"));
    } else if (ending.result instanceof Reply) {
      const { delay, latency, json } = ending.result;
      facts.push(["Answered", `after ${duration(latency)}, number ${count(ending.place)}`]);
      if (delay !== undefined) {
        facts.push(["Delay", `${delay} s`], ["Late by", duration(latency - delay * 1000)]);
      }
      this.#representation.replaceChildren(...representationNodes(json, splitData(draft.data)));
    } else {
      facts.push(["Failed", `after ${duration(ending.at - sentAt)}`]);
      const { code, message } = ending.result;
      const error = make("p", "error");
      error.append(make("strong", "", code), ` ${message}`);
      this.#representation.replaceChildren(error);
    }
    this.#showFrames(this.#sent!);
    this.#facts.replaceChildren(...facts.map(([name, value]) => {
      const fact = make("div");
      fact.append(make("dt", "", name), make("dd", "", value));
      return fact;
    }));
  }

  /** Shows what the server sent about the request, as it is. */
  #showFrames({ ending, anomalies, sentAt }: Sent): void {
    const raw = ending?.raw?.();
    const answers = raw === undefined ? [] : [{ kind: "answer", at: ending!.at, frame: raw }];
    const frames = [...answers, ...anomalies].sort((a, b) => a.at - b.at);
    this.#raw.hidden = frames.length === 0;
    this.#raw.replaceChildren(
      find("h4", this.#raw),
      ...frames.map(({ kind, at, frame }) => {
        const line = make("div", "code", cut(frame));
        line.prepend(
          make("span", kind === "answer" ? "hint" : "fault", kind),
          make("span", "hint", ` after ${duration(at - sentAt)} `),
        );
        return line;
      }),
    );
  }

  /** Highlights both parts of a pair; 0 for none. */
  #highlight(number: number): void {
    this.#panel.classList.toggle("lit", number > 0);
    for (const element of this.#panel.querySelectorAll<HTMLElement>("[data-pair]")) {
      element.classList.toggle("lit", number > 0 && Number(element.dataset["pair"]) === number);
    }
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)} …` : text;
}

function pairAt(target: EventTarget | null): number {
  const element = target instanceof Element ? target.closest<HTMLElement>("[data-pair]") : null;
  return Number(element?.dataset["pair"] ?? 0);
}

function sourceNodes(entities: readonly SourceEntity[]): Node[] {
  const nodes: Node[] = [];
  let shown = 0;
  for (const [i, { name, pairs, isKept }] of entities.entries()) {
    if (shown > MAX_PAIRS) {
      nodes.push(make("p", "hint", `… and ${count(entities.length - i)} more`));
      break;
    }
    const line = make("div", "entity");
    line.append(make("span", isKept ? "name" : "left-out", name));
    for (const pair of pairs.slice(0, MAX_PAIRS)) line.append(separator("&&"), pairNode(pair));
    if (pairs.length > MAX_PAIRS) line.append(" …");
    if (i < entities.length - 1) line.append(separator("%%"));
    shown += pairs.length + 1;
    nodes.push(line);
  }
  return nodes;
}

function pairNode({ name, value, number }: SourcePair): Node {
  const isKept = number > 0;
  // A button, so that the keyboard can reach it.
  const node = isKept ? markPair(make("button"), number) : make("span", "left-out");
  if (isKept) node.setAttribute("type", "button");
  node.append(name);
  if (value !== undefined) node.append(separator("&&"), value);
  return node;
}

function separator(text: string): Node {
  return make("span", "separator", text);
}

/** Gives an element the color and the number of a pair. */
function markPair(element: HTMLElement, number: number): HTMLElement {
  element.className = "pair";
  element.dataset["pair"] = String(number);
  element.style.setProperty("--number", String(number));
  element.append(make("span", "badge", String(number)));
  return element;
}

function representationNodes(json: string, source: readonly SourceEntity[]): Node[] {
  const data = membersOf(json).find(([name]) => name === "data")![1];
  const lines = linesOf(data, source);
  const nodes = lines.slice(0, 2 * MAX_PAIRS).map(({ depth, text, number }) => {
    const line = make("div", "line");
    line.style.setProperty("--depth", String(depth));
    const part = number === 0 ? line : markPair(make("span"), number);
    part.append(text);
    if (part !== line) line.append(part);
    return line;
  });
  const rest = lines.length - nodes.length;
  return rest > 0 ? [...nodes, make("p", "hint", `… and ${count(rest)} more`)] : nodes;
}
