/**
 * One request in full: its source and its representation side by side, with what belongs together in the
 * same colour and under the same number.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import { membersOf } from "../protocol/json_text.ts";
import { copyTemplate, find, make } from "./elements.ts";
import type { Sent } from "./exchange.ts";
import { linesOf, type SourceEntity, type SourcePair, takeApart } from "./pairing.ts";
import { count, duration, timeOfDay } from "./wording.ts";

/** How many pairs are shown; the page is to stay quick. */
const MOST_PAIRS = 200;

/** How many UTF-16 units of data are shown. */
const MOST_TEXT = 20_000;

/** How many colours there are for pairs, by turns. */
const COLOURS = 6;

/** The row that shows a request in full; there is one, which moves. */
export class Detail {
  readonly row = copyTemplate<HTMLTableRowElement>("detail-template");
  readonly #source = find(".source .code", this.row);
  readonly #representation = find(".representation .code", this.row);
  readonly #facts = find(".facts", this.row);
  readonly #cancel = find<HTMLButtonElement>(".cancel", this.row);
  #sent: Sent | undefined;

  constructor(cancel: (sent: Sent) => void) {
    this.row.id = "detail";
    this.#cancel.onclick = () => this.#sent && cancel(this.#sent);
    const panes = find(".panes", this.row);
    const light = (event: Event) => this.#light(pairAt(event.target));
    const restore = () => this.#light(pairAt(document.activeElement));
    panes.addEventListener("pointerover", light);
    panes.addEventListener("pointerleave", restore);
    panes.addEventListener("focusin", light);
    panes.addEventListener("focusout", restore);
  }

  /** What is shown. */
  get sent(): Sent | undefined {
    return this.#sent;
  }

  /** Shows a request. */
  show(sent: Sent): void {
    this.#sent = sent;
    const { draft } = sent;
    const isCut = draft.data.length > MOST_TEXT;
    const data = isCut ? draft.data.slice(0, MOST_TEXT) : draft.data;
    if (draft.kind === "broken") this.#source.replaceChildren(data);
    else this.#source.replaceChildren(...sourceNodes(takeApart(data)));
    if (isCut) this.#source.append(make("p", "hint", `… ${count(draft.data.length)} in all`));
    this.update();
  }

  /** Shows what has become of it meanwhile. */
  update(): void {
    const { draft, sentAt, sendings, ending } = this.#sent!;
    this.#cancel.hidden = ending !== undefined || draft.id === null;
    const facts: [name: string, value: string][] = [["Sent at", timeOfDay(sentAt)]];
    if (sendings > 1) facts.push(["Sent", `${sendings} times, as the connection was lost`]);
    if (ending === undefined) {
      this.#representation.replaceChildren(make("p", "hint", "Not answered yet"));
    } else if (ending.result instanceof Reply) {
      const { delay, latency, json } = ending.result;
      facts.push(["Answered", `after ${duration(latency)}, as number ${count(ending.place)}`]);
      if (delay !== undefined) {
        facts.push(["Delay", `${delay} s`], ["Late by", duration(latency - delay * 1000)]);
      }
      this.#representation.replaceChildren(...representationNodes(json, takeApart(draft.data)));
    } else {
      facts.push(["Failed", `after ${duration(ending.at - sentAt)}`]);
      const { code, message } = ending.result;
      const error = make("p", "error");
      error.append(make("strong", "", code), ` ${message}`);
      this.#representation.replaceChildren(error);
    }
    this.#facts.replaceChildren(...facts.map(([name, value]) => {
      const fact = make("div");
      fact.append(make("dt", "", name), make("dd", "", value));
      return fact;
    }));
  }

  /** Lights a pair up wherever it is; 0 for none. */
  #light(number: number): void {
    this.row.classList.toggle("lit", number > 0);
    for (const element of this.row.querySelectorAll<HTMLElement>("[data-pair]")) {
      element.classList.toggle("lit", number > 0 && Number(element.dataset["pair"]) === number);
    }
  }
}

function pairAt(target: EventTarget | null): number {
  const element = target instanceof Element ? target.closest<HTMLElement>("[data-pair]") : null;
  return Number(element?.dataset["pair"] ?? 0);
}

function sourceNodes(entities: readonly SourceEntity[]): Node[] {
  const nodes: Node[] = [];
  let shown = 0;
  for (const [i, { name, pairs, isKept }] of entities.entries()) {
    if (shown > MOST_PAIRS) {
      nodes.push(make("p", "hint", `… and ${count(entities.length - i)} more`));
      break;
    }
    const line = make("div", "entity");
    line.append(make("span", isKept ? "name" : "left-out", name));
    for (const pair of pairs.slice(0, MOST_PAIRS)) line.append(separator("&&"), pairNode(pair));
    if (pairs.length > MOST_PAIRS) line.append(" …");
    if (i < entities.length - 1) line.append(separator("%%"));
    shown += pairs.length + 1;
    nodes.push(line);
  }
  return nodes;
}

function pairNode({ name, value, number }: SourcePair): Node {
  const isKept = number > 0;
  // What can be lit up can be reached by keyboard.
  const node = isKept ? make("button", colourOf(number)) : make("span", "left-out");
  if (isKept) {
    node.setAttribute("type", "button");
    node.dataset["pair"] = String(number);
    node.append(badge(number));
  }
  node.append(name);
  if (value !== undefined) node.append(separator("&&"), value);
  return node;
}

function separator(text: string): Node {
  return make("span", "separator", text);
}

function badge(number: number): Node {
  return make("span", "badge", String(number));
}

function colourOf(number: number): string {
  return `pair colour-${number % COLOURS}`;
}

function representationNodes(json: string, source: readonly SourceEntity[]): Node[] {
  const data = membersOf(json).find(([name]) => name === "data")![1];
  const lines = linesOf(data, source);
  const nodes = lines.slice(0, 2 * MOST_PAIRS).map(({ depth, text, number }) => {
    const line = make("div", `line depth-${depth}`);
    if (number === 0) {
      line.append(text);
    } else {
      const pair = make("span", colourOf(number));
      pair.dataset["pair"] = String(number);
      pair.append(badge(number), text);
      line.append(pair);
    }
    return line;
  });
  const rest = lines.length - nodes.length;
  return rest > 0 ? [...nodes, make("p", "hint", `… and ${count(rest)} more`)] : nodes;
}
