/**
 * Rows of a table, of which only those in sight have elements: there may be thousands, and each may
 * change many times. All rows have the same height.
 *
 * @module
 */

import { rowSteps } from "./page.ts";

/** Rows above and below the visible ones, so that fast scrolling shows no gaps. */
const MARGIN = 10;

/** How a kind of items is shown. */
export interface RowKind<Item> {
  /** Returns what identifies an item, also in later lists. */
  keyOf(item: Item): unknown;
  /** Whether its row has a button; default: all have. The Tab key reaches the first of a row. */
  hasButton?(item: Item): boolean;
  /** Returns an empty row. */
  make(item: Item): HTMLTableRowElement;
  /** Shows an item in its row. */
  fill(row: HTMLTableRowElement, item: Item): void;
}

/** An element and the item that it shows. */
interface Row<Item> {
  readonly element: HTMLTableRowElement;
  /** Undefined if the element must be filled. */
  item: Item | undefined;
}

/** The rows of a table. */
export class VirtualRows<Item> {
  readonly #table: HTMLTableElement;
  readonly #body: HTMLTableSectionElement;
  readonly #scroll: HTMLElement;
  readonly #kind: RowKind<Item>;
  /** The rows that have elements, by key. */
  readonly #rows = new Map<unknown, Row<Item>>();
  readonly #keys = new WeakMap<Element, unknown>();
  #items: readonly Item[] = [];
  /** Height of a row, in CSS pixels; undefined until it is measured. */
  #height: number | undefined;
  #isTouched = false;
  /** The key of the item whose button the Tab key reaches. */
  #current: unknown;

  /** Creates no rows yet; the parent of the table scrolls. */
  constructor(table: HTMLTableElement, kind: RowKind<Item>) {
    this.#table = table;
    this.#body = table.tBodies[0]!;
    this.#scroll = table.parentElement!;
    this.#kind = kind;
    this.#scroll.addEventListener("scroll", () => this.render());
    new ResizeObserver(() => {
      this.#height = undefined;
      this.render();
    }).observe(this.#scroll);
  }

  /** Shows items. The rows that the user looks at stay where they are. */
  show(items: readonly Item[]): void {
    const height = this.#rowHeight();
    const top = Math.floor(this.#scroll.scrollTop / height);
    const anchor = this.#items[top] && this.#kind.keyOf(this.#items[top]);
    const isFollowing = top === 0 && !this.#body.contains(document.activeElement);
    this.#items = items;
    this.#table.ariaRowCount = String(items.length + 1);
    this.#body.style.setProperty("--rows", String(items.length));
    const moved = isFollowing ? -1 : this.#indexOf(anchor);
    if (moved >= 0 && moved !== top) this.#scroll.scrollTop += (moved - top) * height;
    this.render();
  }

  /** Has an item filled again by the next {@linkcode VirtualRows.update}, since it has changed. */
  touch(item: Item): void {
    const row = this.#rows.get(this.#kind.keyOf(item));
    if (row === undefined) return;
    row.item = undefined;
    this.#isTouched = true;
  }

  /** Has all items filled again. */
  touchAll(): void {
    for (const row of this.#rows.values()) row.item = undefined;
    this.#isTouched = true;
  }

  /** Fills the touched items in sight. */
  update(): void {
    if (this.#isTouched) this.render();
  }

  /** Gives elements to the rows in sight, and fills those that have changed. */
  render(): void {
    this.#isTouched = false;
    const height = this.#rowHeight();
    const top = Math.floor(this.#scroll.scrollTop / height);
    const first = Math.max(0, top - MARGIN);
    const last = top + Math.ceil(this.#scroll.clientHeight / height) + MARGIN;
    const shown = new Map(this.#items.slice(first, last).map((item, i) => [first + i, item]));
    const current = this.#indexOf(this.#current);
    if (current >= 0 && this.#body.contains(document.activeElement)) {
      shown.set(current, this.#items[current]!); // it keeps the focus when it is out of sight
    } else if (!shown.has(current)) {
      const reached = this.#items.slice(top, last).find((item) => this.#hasButton(item));
      this.#current = reached && this.#kind.keyOf(reached);
    }
    this.#place([...shown].sort(([a], [b]) => a - b));
  }

  /** Returns the item of a row around an element. */
  itemAt(target: EventTarget | null): Item | undefined {
    const row = target instanceof Element ? target.closest("tbody tr") : null;
    return row === null ? undefined : this.#items[this.#indexOf(this.#keys.get(row))];
  }

  /** Makes an item the one that the Tab key reaches. */
  makeCurrent(item: Item): void {
    this.#current = this.#kind.keyOf(item);
    this.render();
  }

  /** Moves from an item as a key says; returns the item there, or undefined for another key. */
  next(item: Item, event: KeyboardEvent): Item | undefined {
    const steps = rowSteps(event);
    if (steps === undefined) return undefined;
    event.preventDefault();
    const at = this.#indexOf(this.#kind.keyOf(item));
    const last = this.#items.length - 1;
    let to = Math.min(last, Math.max(0, at + steps));
    if (!this.#hasButton(this.#items[to]!)) to += to === 0 || steps > 0 ? 1 : -1;
    return this.#items[to];
  }

  /** Scrolls to an item, below the head of the table. */
  reveal(item: Item): void {
    const index = this.#indexOf(this.#kind.keyOf(item));
    const height = this.#rowHeight();
    const room = this.#scroll.clientHeight - this.#table.tHead!.offsetHeight - height;
    const top = this.#scroll.scrollTop;
    this.#scroll.scrollTop = Math.min(index * height, Math.max(index * height - room, top));
  }

  /** Scrolls to an item and gives its button the focus. */
  focus(item: Item): void {
    this.reveal(item);
    this.makeCurrent(item);
    const { element } = this.#rows.get(this.#current)!;
    element.querySelector("button")!.focus({ preventScroll: true });
    this.render(); // without the row that had the focus
  }

  #hasButton(item: Item): boolean {
    return this.#kind.hasButton?.(item) ?? true;
  }

  #indexOf(key: unknown): number {
    return key === undefined ? -1 : this.#items.findIndex((item) => this.#kind.keyOf(item) === key);
  }

  #rowHeight(): number {
    if (this.#height !== undefined) return this.#height;
    const [shown] = this.#rows.values();
    const height = shown?.element.getBoundingClientRect().height;
    if (height) this.#height = height;
    return height || 28;
  }

  /** Gives elements to the items at some indexes, and to no others. */
  #place(shown: readonly (readonly [index: number, item: Item])[]): void {
    const keys = new Set(shown.map(([, item]) => this.#kind.keyOf(item)));
    for (const [key, { element }] of this.#rows) {
      if (keys.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    let next = this.#body.firstElementChild;
    for (const [index, item] of shown) {
      const key = this.#kind.keyOf(item);
      const row = this.#rows.get(key) ?? this.#makeRow(key, item);
      if (row.element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(row.element, next);
      row.element.ariaRowIndex = String(index + 2);
      row.element.style.setProperty("--index", String(index));
      const button = row.element.querySelector("button");
      if (button !== null) button.tabIndex = key === this.#current ? 0 : -1;
      if (row.item !== item) this.#kind.fill(row.element, row.item = item);
    }
  }

  #makeRow(key: unknown, item: Item): Row<Item> {
    const element = this.#kind.make(item);
    const row = { element, item: undefined };
    this.#rows.set(key, row);
    this.#keys.set(element, key);
    return row;
  }
}
