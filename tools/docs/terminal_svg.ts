/**
 * Draws the screens of a terminal as an animated SVG without scripts.
 *
 * @module
 */

import { type Run, Screen } from "../../tests/support/screen.ts";

/** Output of a program at a time in milliseconds. */
export interface Output {
  readonly at: number;
  readonly text: string;
}

/** The rows of a screen, shown from a time in milliseconds until the next frame. */
export interface Frame {
  readonly at: number;
  readonly rows: readonly (readonly Run[])[];
}

/** Size of a terminal, in cells. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Options for {@linkcode terminalSvg}. */
export interface SvgOptions extends Size {
  /** Time until the animation begins anew, in milliseconds. */
  readonly duration: number;
  readonly title: string;
  /** Description for readers who do not see the picture. */
  readonly description: string;
}

/** Size of a cell and of the font, and the margin, in pixels. */
const CELL = { width: 8, height: 17 };
const FONT_SIZE = 13;
const MARGIN = 14;

const COLORS = { background: "#0f1720", border: "#3b4754", text: "#d5dbe1" };
/** The colors of the terminal's palette that the program uses. */
const PALETTE: Readonly<Record<number, string>> = { 1: "#ff7b72", 2: "#56d364", 6: "#58c4dc" };

/** Part of a cell that a block character fills, as `[from, to]`. */
const BLOCKS: Readonly<Record<string, readonly [number, number]>> = {
  "█": [0, 1],
  "▌": [0, 0.5],
  "▐": [0.5, 1],
};

/**
 * Returns a frame for each screen that differs from the one before, at most one per `interval`
 * milliseconds.
 */
export async function framesOf(
  outputs: readonly Output[],
  { columns, rows }: Size,
  interval: number,
): Promise<Frame[]> {
  await using screen = new Screen(columns, rows);
  const frames: Frame[] = [];
  let last = "";
  for (const [i, { at, text }] of outputs.entries()) {
    screen.add(text);
    const next = outputs[i + 1]?.at ?? Infinity;
    if (Math.floor(next / interval) === Math.floor(at / interval)) continue;
    const shown = await screen.rows();
    const key = JSON.stringify(shown);
    if (key !== last) frames.push({ at, rows: shown });
    last = key;
  }
  return frames;
}

/**
 * Returns the SVG. Its frames stand side by side on a strip, which moves from frame to frame. Readers
 * who prefer reduced motion, and programs that do not animate, show the last frame.
 */
export function terminalSvg(frames: readonly Frame[], options: SvgOptions): string {
  const { columns, rows, duration, title, description } = options;
  const inner = { width: columns * CELL.width, height: rows * CELL.height };
  const width = inner.width + 2 * MARGIN;
  const height = inner.height + 2 * MARGIN;
  const lines = new Map<string, number>();
  const strip = frames.map((frame, i) => {
    const uses = frame.rows.map((runs, row) => {
      if (runs.length === 0) return "";
      const line = lineOf(runs);
      const id = lines.get(line) ?? lines.size;
      lines.set(line, id);
      return `<use href="#l${id}" y="${row * CELL.height + FONT_SIZE}"/>`;
    });
    return `<g transform="translate(${i * inner.width})">${uses.join("")}</g>`;
  });
  const moves = frames.map(({ at }, i) =>
    `${round(100 * at / duration)}%{transform:translateX(${-i * inner.width}px)}`
  );
  const end = -(frames.length - 1) * inner.width;
  const definitions = [...lines].map(([line, id]) => `<g id="l${id}">${line}</g>`);
  const colors = Object.entries(PALETTE).map(([color, value]) =>
    `text.c${color}{fill:${value}}path.c${color}{stroke:${value}}`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}"
 height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escapeXml(title)}</title>
<desc id="description">${escapeXml(description)}</desc>
<style>
text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${COLORS.text}}
path{stroke:${COLORS.text};stroke-width:13}
${colors.join("\n")}
#strip{transform:translateX(${end}px)}
@media (prefers-reduced-motion:no-preference){
#strip{animation:play ${duration / 1000}s step-end infinite}
}
@keyframes play{
${moves.join("\n")}
}
</style>
<defs>
${definitions.join("\n")}
</defs>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8" fill="${COLORS.background}"
 stroke="${COLORS.border}"/>
<svg id="screen" x="${MARGIN}" y="${MARGIN}" width="${inner.width}" height="${inner.height}">
<g id="strip">
${strip.join("\n")}
</g>
</svg>
</svg>
`;
}

/** Returns the elements of a row, from its baseline: a path for each bar, a text for all else. */
function lineOf(runs: readonly Run[]): string {
  return runs.flatMap(({ column, text, color }) => {
    const attributes = color === undefined ? "" : ` class="c${color}"`;
    return [...text.matchAll(/[█▌▐]+|[^█▌▐\s]+(?: [^█▌▐\s]+)*/g)].map(({ 0: part, index }) =>
      (part[0]! in BLOCKS ? barOf : textOf)(part, column + index, attributes)
    );
  }).join("");
}

/** Returns a thick line. The glyphs of most fonts would leave gaps. */
function barOf(text: string, column: number, attributes: string): string {
  const [from] = BLOCKS[text[0]!]!;
  const [, to] = BLOCKS[text.at(-1)!]!;
  const x = (column + from) * CELL.width;
  const width = (column + text.length - 1 + to) * CELL.width - x;
  return `<path${attributes} d="M${x}-4.5h${width}"/>`;
}

/** Returns a text whose length is given, since fonts differ in the width of their characters. */
function textOf(text: string, column: number, attributes: string): string {
  const x = column * CELL.width;
  const length = text.length * CELL.width;
  return `<text${attributes} x="${x}" textLength="${length}">${escapeXml(text)}</text>`;
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
