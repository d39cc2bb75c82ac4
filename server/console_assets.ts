// Made by `deno task build:console` from the folder console: change it there.

/**
 * The console, as a browser asks for it.
 *
 * @module
 */

/** What is at a path. */
export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly text: string;
}

/** What there is, by path. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  "/": {
    type: "text/html; charset=utf-8",
    etag: "\"dc0eb918ffefa248\"",
    text: `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>asyncpkt</title>
    <link rel="icon" type="image/svg+xml" href="console.svg">
    <link rel="stylesheet" href="console.css">
    <script type="module" src="console.js"></script>
  </head>
  <body>
    <header>
      <h1>
        <img src="console.svg" alt="" width="28" height="28">
        asyncpkt
      </h1>
      <p class="lead">Every request is answered after a delay of its own, all side by side.</p>
      <div class="connection" data-state="connecting">
        <p id="connection-state">Connecting …</p>
        <button type="button" id="connection-button" disabled>Connect now</button>
      </div>
    </header>

    <noscript><p class="hint">This page needs JavaScript. Packets can also be sent by POST.</p></noscript>

    <main>
      <form id="compose" class="card" aria-labelledby="compose-title">
        <h2 id="compose-title">Packets</h2>
        <label for="packets" class="hidden">Packets to send, one a line</label>
        <textarea id="packets" rows="5" spellcheck="false" autocapitalize="off" autocomplete="off"
          aria-describedby="packets-hint">{"request_id": "01", "data": "Hub&amp;&amp;name&amp;&amp;qwe&amp;&amp;id&amp;&amp;123&amp;&amp;%%Device&amp;&amp;name&amp;&amp;wqe&amp;&amp;id&amp;&amp;234&amp;&amp;"}</textarea>
        <p id="packets-hint" class="hint">
          One a line: data alone, or a packet as JSON. What begins with <code>{</code> or
          <code>[</code> goes out as it is, broken or not.
          <span class="keys"><kbd>Ctrl</kbd> <kbd>Enter</kbd> sends.</span>
        </p>
        <div class="buttons">
          <button type="submit" class="primary">Send</button>
          <button type="button" data-count="50">Send 50</button>
          <button type="button" data-count="1000">Send 1,000</button>
        </div>
        <p id="announcements" role="status"></p>
      </form>

      <section class="card" aria-labelledby="totals-title">
        <h2 id="totals-title">Totals</h2>
        <dl class="totals">
          <div class="in-flight">
            <dt>In flight</dt>
            <dd id="in-flight">0</dd>
          </div>
          <div class="answered">
            <dt>Answered</dt>
            <dd id="answered">0</dd>
          </div>
          <div class="failed">
            <dt>Failed</dt>
            <dd id="failed">0</dd>
          </div>
          <div class="rate">
            <dt>Per second</dt>
            <dd id="rate">0</dd>
          </div>
        </dl>
      </section>

      <section class="card timeline" aria-labelledby="timeline-title">
        <div class="title">
          <h2 id="timeline-title">Requests</h2>
          <p class="legend" aria-hidden="true">
            <span class="in-flight">in flight</span>
            <span class="answered">answered</span>
            <span class="late">late</span>
            <span class="failed">failed</span>
          </p>
          <button type="button" id="clear" disabled>Clear</button>
        </div>
        <div class="scroll">
          <table id="timeline" role="table" aria-labelledby="timeline-title"
            aria-describedby="timeline-hint">
            <thead role="rowgroup">
              <tr role="row">
                <th role="columnheader" scope="col" class="id">Id</th>
                <th role="columnheader" scope="col" class="delay">Delay</th>
                <th role="columnheader" scope="col" class="late">Late by</th>
                <th role="columnheader" scope="col" class="outcome">Answer</th>
                <th role="columnheader" scope="col"
                  class="track"><span class="hidden">Time</span><span class="marks" aria-hidden="true"></span></th>
              </tr>
            </thead>
          </table>
          <p class="empty">Nothing has been sent yet.</p>
        </div>
        <p id="timeline-hint" class="hint keys">
          <kbd>↑</kbd> <kbd>↓</kbd> go through the requests, <kbd>Enter</kbd> opens one, <kbd>Delete</kbd>
          cancels it.
        </p>
      </section>
    </main>

    <dialog id="token-dialog" aria-labelledby="token-title">
      <form id="token-form">
        <h2 id="token-title">This server asks for a token</h2>
        <p class="hint"
          id="token-hint">It is kept until this tab is closed, and sent to this server only.</p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck="false"
          required
          pattern="[A-Za-z0-9._~+\\/\\-]+=*"
          title="Letters, digits and -._~+/, with = at its end"
          aria-describedby="token-hint token-error"
        >
        <p id="token-error" class="error" role="alert"></p>
        <div class="buttons"><button type="submit" class="primary">Connect</button></div>
      </form>
    </dialog>

    <template id="run-template">
      <tbody role="rowgroup">
        <tr class="fill" aria-hidden="true">
          <td></td>
        </tr>
        <tr role="row" class="run">
          <th role="rowheader" scope="rowgroup" colspan="5"></th>
        </tr>
      </tbody>
    </template>

    <template id="row-template">
      <tr role="row" class="request">
        <th role="rowheader" scope="row"
          class="id"><button type="button" tabindex="-1" aria-expanded="false"></button></th>
        <td role="cell" class="delay"></td>
        <td role="cell" class="late"></td>
        <td role="cell" class="outcome"><button type="button" tabindex="-1">Cancel</button></td>
        <td role="cell" class="track"><span class="bar"></span><span class="note"></span></td>
      </tr>
    </template>

    <template id="detail-template">
      <tr role="row" class="detail">
        <td role="cell" colspan="5">
          <div class="panes">
            <section class="source">
              <h3>Source</h3>
              <div class="code"></div>
            </section>
            <section class="representation">
              <h3>Representation</h3>
              <div class="code"></div>
            </section>
          </div>
          <div class="foot">
            <dl class="facts"></dl>
            <button type="button" class="cancel">Cancel this request</button>
          </div>
        </td>
      </tr>
    </template>
  </body>
</html>
`,
  },
  "/console.css": {
    type: "text/css; charset=utf-8",
    etag: "\"505dfa71ea5eb3af\"",
    text: `:root {
  color-scheme: light dark;
  --page: light-dark(#f4f6f8, #11151b);
  --panel: light-dark(#ffffff, #191e26);
  --raised: light-dark(#f4f6f8, #212832);
  --ink: light-dark(#1b2330, #e5e9ef);
  --muted: light-dark(#586274, #9da8b7);
  --line: light-dark(#dce1e7, #2d3541);
  --edge: light-dark(#7d8796, #66717f); /* of controls: contrast 3:1 with panel and page */
  --accent: light-dark(#2f5fc4, #86abf6);
  --on-accent: light-dark(#ffffff, #101a2c);
  --in-flight: light-dark(#8cabe8, #3e5f9f);
  --answered: light-dark(#3d9b7b, #46a585);
  --late: light-dark(#e0a030, #e3b04b);
  --failed: light-dark(#c43d34, #e07468);
  --failed-ink: light-dark(#b3261e, #f49a90);
  --good-ink: light-dark(#1f7457, #66c7a4);
  --sans: system-ui, sans-serif;
  --mono: ui-monospace, monospace;
}

* {
  box-sizing: border-box;
}

body {
  margin: 0 auto;
  padding: 0 1.25rem 1.5rem;
  max-width: 100rem;
  background: var(--page);
  color: var(--ink);
  font: 0.9375rem/1.5 var(--sans);
}

:is(h1, h2, h3, p, dl, dd) {
  margin: 0;
}

h1 {
  font: 650 1.2rem/1.5 var(--sans);
}

h2 {
  font: 650 0.9375rem/1.5 var(--sans);
}

:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 1px;
}

.hidden {
  position: absolute;
  clip-path: inset(50%);
}

:is(.hint, .legend, .totals dt, #announcements) {
  color: var(--muted);
  font-size: 0.8125rem;
}

:is(h3, thead th, .run th) {
  color: var(--muted);
  font-size: 0.75rem;
  font-weight: 600;
}

:is(.lead, .empty, .separator, .left-out, .facts dt) {
  color: var(--muted);
}

:is(.error, .note, .failed .outcome) {
  color: var(--failed-ink);
}

:is(code, kbd, .code, textarea) {
  font-family: var(--mono);
  font-size: 0.8125rem;
}

kbd {
  padding: 0.05rem 0.3rem;
  border: 1px solid var(--line);
  border-radius: 4px;
  background: var(--raised);
}

button {
  padding: 0.4rem 0.85rem;
  border: 1px solid var(--edge);
  border-radius: 7px;
  background: var(--panel);
  color: var(--ink);
  font: 500 0.875rem/1.3 var(--sans);
  white-space: nowrap;
  cursor: pointer;
}

button:hover:not(:disabled, .pair) {
  background: var(--raised);
}

button:disabled {
  border-color: var(--line);
  color: var(--muted);
  cursor: default;
}

button.primary {
  border-color: var(--accent);
  background: var(--accent);
  color: var(--on-accent);
}

button.primary:hover:not(:disabled) {
  background: color-mix(in oklab, var(--accent), var(--ink) 15%);
}

:is(textarea, #token) {
  width: 100%;
  padding: 0.6rem 0.7rem;
  border: 1px solid var(--edge);
  border-radius: 7px;
  background: var(--page);
  color: inherit;
  line-height: 1.5;
}

textarea {
  min-height: 6rem;
  resize: vertical;
  overflow-wrap: anywhere;
}

/* Rows of elements */

:where(h1, body > header, .connection, .buttons, .title, .legend, .foot, .facts, .facts div) {
  display: flex;
  gap: 0.5rem;
  align-items: center;
}

:is(body > header, .buttons, .title, .legend, .foot, .facts) {
  flex-wrap: wrap;
}

:is(body > header, .connection, .title, .foot) {
  justify-content: space-between;
}

:is(body > header, .title, .legend, .foot, .facts) {
  gap: 0.25rem 1rem;
}

:is(.lead, .legend, .scroll) {
  flex: 1;
}

/* The colors of states */

.in-flight {
  --color: var(--in-flight);
}

:is(.late, .connection) {
  --color: var(--late);
}

:is(.answered, [data-state="open"]) {
  --color: var(--answered);
}

:is(.failed, [data-state="waiting"]) {
  --color: var(--failed);
}

:is(.legend span, #connection-state)::before {
  content: "";
  display: inline-block;
  width: 0.9rem;
  height: 0.5rem;
  margin-right: 0.4rem;
  border-radius: 2px;
  background: var(--color);
}

#connection-state::before {
  width: 0.5rem;
  border-radius: 50%;
}

/* Cards */

body > header {
  padding: 0.9rem 0;
}

main {
  display: grid;
  grid-template: auto 1fr / minmax(19rem, 25rem) minmax(0, 1fr);
  gap: 1rem;
}

:is(.card, dialog) {
  padding: 1rem 1.1rem;
  border: 1px solid var(--line);
  border-radius: 10px;
  background: var(--panel);
}

form {
  display: grid;
  gap: 0.6rem;
}

#announcements {
  min-height: 1.5em;
}

.card:has(.totals) {
  align-self: start;
}

.totals {
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: 0.75rem 1rem;
  margin-top: 0.6rem;
}

.totals div {
  padding-left: 0.7rem;
  border-left: 3px solid var(--color, var(--line));
}

.totals dd {
  font: 600 1.6rem/1.2 var(--sans);
  font-variant-numeric: tabular-nums;
}

dialog {
  width: min(26rem, calc(100vw - 2rem));
  color: var(--ink);
}

dialog::backdrop {
  background: rgb(0 0 0 / 45%);
}

/* The timeline */

.timeline {
  display: flex;
  flex-direction: column;
  grid-area: 1 / 2 / span 2;
  gap: 0.6rem;
  min-height: 24rem;
  height: calc(100dvh - 6.2rem);
}

.scroll {
  overflow: auto;
  overscroll-behavior: contain;
  margin: 0 -1.1rem;
  border-block: 1px solid var(--line);
}

.empty {
  padding: 3rem 1rem;
  text-align: center;
}

:is(table:has(tbody) + .empty, table:not(:has(tbody))) {
  display: none;
}

/*
  Rows are grids with the same columns, so that a request can take two lines on a phone. The fill behind
  the rows must know where the last column begins.
*/
table {
  --columns: 6.5rem 4.2rem 4.8rem 5.4rem minmax(0, 1fr);
  --chart: 24rem; /* the other columns, four gaps and the padding */
  font-size: 0.8125rem;
  font-variant-numeric: tabular-nums;
}

:where(table, thead, tbody, .fill:not([hidden]), .fill td, .run, .detail, .detail td, .marks, .note) {
  display: block;
}

:is(thead tr, .request) {
  display: grid;
  grid-template-columns: var(--columns);
  gap: 0 0.5rem;
  align-items: center;
  padding: 0 1.1rem;
}

thead {
  position: sticky;
  top: 0;
  z-index: 5;
  border-bottom: 1px solid var(--line);
  background: var(--panel);
}

th,
td {
  padding: 0;
  text-align: left;
}

thead th {
  padding: 0.35rem 0;
}

:is(.delay, .late) {
  text-align: right;
}

.outcome {
  padding-left: 0.9rem;
}

.marks {
  position: relative;
  height: 1.2rem;
  overflow: clip;
}

.marks span {
  position: absolute;
  left: calc(var(--at) / var(--reach) * 100%);
  padding-left: 0.3rem;
  border-left: 1px solid var(--line);
  white-space: nowrap;
}

tbody {
  --lines: repeating-linear-gradient(
    to right,
    var(--line) 0 1px,
    transparent 1px calc(var(--step) / var(--reach) * 100%)
  );
  position: relative;
  padding-bottom: 0.4rem;
  border-bottom: 1px solid var(--line);
}

/* As wide as time has passed, behind all rows of a run. The bars of requests in flight are holes. */
.fill {
  position: absolute;
  inset: 0 1.1rem 0.4rem var(--chart);
  overflow: clip;
  background: var(--lines);
  pointer-events: none;
}

.fill td {
  height: 100%;
  border-right: 2px solid var(--accent);
  background: var(--in-flight);
}

:is(.run, .detail) {
  position: relative;
  padding: 0.3rem 1.1rem;
  background: var(--panel);
}

/* Rows out of sight cost nothing. */
.request {
  height: 1.75rem;
  content-visibility: auto;
}

.request button {
  padding: 0 0.45rem;
  border-color: var(--line);
  color: var(--muted);
  font-size: 0.75rem;
}

.request button:is(:hover, :focus-visible) {
  border-color: var(--failed);
  color: var(--failed-ink);
}

.request th button {
  display: block;
  max-width: 100%;
  margin-left: -0.45rem;
  border: 0;
  background: none;
  overflow: hidden;
  color: var(--ink);
  font: 500 0.8125rem/1.6 var(--mono);
  text-overflow: ellipsis;
}

.request th button[aria-expanded="true"] {
  background: var(--accent);
  color: var(--on-accent);
}

.request.answered .outcome {
  color: var(--good-ink);
}

.track {
  --slot: 0.45rem; /* above and below a bar */
  position: relative;
  align-self: stretch;
}

.request .track {
  --before: calc(var(--start) / var(--reach) * 100%);
  background:
    var(--lines) top / 100% var(--slot) no-repeat,
    var(--lines) bottom / 100% var(--slot) no-repeat,
    linear-gradient(var(--panel) 0 0) left / var(--before) 100% no-repeat,
    linear-gradient(
    var(--panel) var(--slot),
    transparent 0 calc(100% - var(--slot)),
    var(--panel) 0
  );
}

.request:is(.answered, .failed) .track {
  background: var(--lines), var(--panel);
}

/* Without a color, while the request is in flight, it is not visible. */
.bar {
  position: absolute;
  inset: var(--slot) auto var(--slot) var(--before);
  width: calc(var(--took) / var(--reach) * 100%);
  min-width: 3px;
  border-radius: 2px;
  background: var(--color);
}

/* If the delay is not known, no part of the bar is late. */
.answered .bar {
  --due: var(--took);
  background: linear-gradient(
    to right,
    var(--answered) calc(var(--due) / var(--took) * 100%),
    var(--late) 0
  );
}

.note {
  margin-left: calc((var(--start) + var(--took, 0)) / var(--reach) * 100%);
  padding-left: 0.7rem;
  overflow: hidden;
  text-overflow: ellipsis;
  line-height: 1.75rem;
  white-space: nowrap;
}

/* One request in full */

.detail td {
  padding: 0.9rem 1rem;
  border: 1px solid var(--line);
  border-left: 3px solid var(--accent);
  border-radius: 0 8px 8px 0;
  background: var(--raised);
}

.panes {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr));
  gap: 0.9rem 1.5rem;
}

.code {
  margin-top: 0.4rem;
  line-height: 1.75;
  overflow-wrap: anywhere;
  white-space: pre-wrap;
}

.entity > .name {
  font-weight: 650;
}

.left-out {
  text-decoration: line-through;
}

.line {
  padding-left: calc(var(--depth) * 1.25rem);
}

.pair {
  --color: light-dark(
    oklch(60% 0.13 calc(var(--number) * 137deg)),
    oklch(75% 0.12 calc(var(--number) * 137deg))
  );
  display: inline-block;
  padding: 0.1rem 0.35rem 0.1rem 0.15rem;
  border: 0;
  border-radius: 5px;
  background: color-mix(in oklab, var(--color) 22%, var(--panel));
  font: inherit;
  line-height: 1.4;
  text-align: left;
  white-space: pre-wrap;
  cursor: default;
}

.pair.lit {
  outline: 2px solid var(--color);
  outline-offset: 0;
}

.detail.lit .pair:not(.lit) {
  background: none;
}

.badge {
  display: inline-block;
  min-width: 1.15rem;
  margin-right: 0.35rem;
  padding: 0 0.2rem;
  border-radius: 4px;
  background: color-mix(in oklab, var(--color) 45%, var(--panel));
  font: 600 0.6875rem/1.15rem var(--sans);
  text-align: center;
}

.foot {
  min-height: 2rem;
  margin-top: 0.6rem;
}

/* Narrow windows */

@media (width < 60rem) {
  body {
    padding: 0 0.75rem 1rem;
  }

  main {
    grid-template: none / minmax(0, 1fr);
  }

  .lead {
    flex-basis: 100%;
    order: 3;
  }

  .timeline {
    grid-area: auto;
    height: auto;
    max-height: 100dvh;
  }

  .totals {
    grid-template-columns: repeat(4, auto);
  }

  .totals dd {
    font-size: 1.3rem;
  }
}

@media (width < 42rem) {
  table {
    --columns: minmax(0, 1fr) auto auto auto;
    --chart: 1.1rem;
  }

  thead tr {
    display: block;
  }

  thead th:not(.track) {
    position: absolute;
    clip-path: inset(50%);
  }

  .request {
    grid-template-rows: 1.6rem 1.1rem;
    height: 3rem;
    padding-block: 0.15rem;
    background:
      linear-gradient(var(--panel) 0 0) top / 100% 1.75rem no-repeat,
      linear-gradient(var(--panel) 0 0) bottom / 100% 0.15rem no-repeat;
  }

  .request .late:not(:empty)::before {
    content: "+ ";
  }

  .legend {
    flex-basis: 100%;
    order: 1;
  }

  .track {
    --slot: 0.2rem;
    grid-column: 1 / -1;
  }

  .note {
    line-height: 1.1rem;
  }

  .keys {
    display: none;
  }

  .connection {
    flex: 1 0 100%;
  }
}

/* Bars do not grow; they appear when their length is known. */
@media (prefers-reduced-motion: reduce) {
  .fill {
    background: color-mix(in oklab, var(--in-flight) 35%, var(--panel));
  }

  .fill td {
    display: none;
  }
}

/* With the colors of the system, bars need borders. */
@media (forced-colors: active) {
  :is(.bar, .legend span::before) {
    border: 1px solid CanvasText;
  }
}
`,
  },
  "/console.js": {
    type: "text/javascript; charset=utf-8",
    etag: "\"231e994eee38eca3\"",
    text: `// ../protocol/errors.ts
var ERRORS = {
  invalid_json: "the frame is not JSON",
  invalid_packet: 'not a packet: want {"request_id": string or integer, "data": string}',
  duplicate_request_id: "a request with this request_id is in flight on this connection",
  packet_too_large: "the frame is longer than the server's limit",
  overloaded: "too many requests in flight; send it again later",
  cancelled: "given up by the client",
  shutting_down: "the server is draining; send it again elsewhere",
  internal: "a fault of the server's own; its log says more"
};

// ../protocol/json_text.ts
var QUOTE = 34;
var BACKSLASH = 92;
var NEAR = 12;
function splitTopLevel(json) {
  const text = json.trim();
  const parts = [];
  let depth = 0;
  let at = 1;
  for (let i = 1; i < text.length - 1; i++) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i + 1);
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (char === "," && depth === 0) {
      parts.push(text.slice(at, i).trim());
      at = i + 1;
    }
  }
  const last = text.slice(at, -1).trim();
  if (last !== "") parts.push(last);
  return parts;
}
function membersOf(json) {
  return splitTopLevel(json).map((member) => {
    const end = endOfString(member, 1) + 1;
    return [
      JSON.parse(member.slice(0, end)),
      member.slice(member.indexOf(":", end) + 1).trim()
    ];
  });
}
function endOfString(text, at) {
  let near = at + NEAR;
  for (let i = at; i < near; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) return i;
    if (unit === BACKSLASH) near = ++i + NEAR;
  }
  let end = text.indexOf('"', near);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}
function isEscaped(text, at) {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

// ../protocol/parse_json.ts
var SPACE = 32;
var COLON = 58;
function parseJson(json) {
  const value = JSON.parse(json);
  return hasEscapedName(json) ? unwrap(JSON.parse(wrapObjects(json))) : value;
}
function hasEscapedName(json) {
  for (let at = json.indexOf("\\\\"); at >= 0; at = json.indexOf("\\\\", at)) {
    at = endOfString(json, at) + 1;
    while (json.charCodeAt(at) <= SPACE) at++;
    if (json.charCodeAt(at) === COLON) return true;
  }
  return false;
}
function wrapObjects(json) {
  let text = "";
  let copied = 0;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '"') {
      i = endOfString(json, i + 1);
    } else if (char === "{" || char === "}" || char === ":") {
      text += json.slice(copied, i) + (char === "{" ? '{"":[' : char === "}" ? "]}" : ",");
      copied = i + 1;
    }
  }
  return text + json.slice(copied);
}
function unwrap(wrapped) {
  const sources = [];
  const targets = [];
  const begin = (value) => {
    if (typeof value !== "object" || value === null) return value;
    const isArray = Array.isArray(value);
    const target = isArray ? value : {};
    sources.push(isArray ? value : value[""]);
    targets.push(target);
    return target;
  };
  const whole = begin(wrapped);
  for (let source = sources.pop(); source !== void 0; source = sources.pop()) {
    const target = targets.pop();
    if (source === target) {
      for (let i = 0; i < source.length; i++) target[i] = begin(source[i]);
    } else {
      for (let i = 0; i < source.length; i += 2) {
        setMember(target, source[i], begin(source[i + 1]));
      }
    }
  }
  return whole;
}
function setMember(target, name, value) {
  if (name in target) {
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true
    });
  } else {
    target[name] = value;
  }
}

// ../protocol/packet.ts
var SUBPROTOCOL = "asyncpkt.v1";
var MAX_ID_LENGTH = 256;
var MAX_BATCH = 1e3;
function errorAnswer(id, code, message = ERRORS[code]) {
  return {
    request_id: id,
    error: {
      code,
      message
    }
  };
}
function isRequestId(value) {
  return typeof value === "string" ? value.length > 0 && value.length <= MAX_ID_LENGTH : Number.isSafeInteger(value);
}
function decodeFrame(text) {
  let value;
  try {
    value = parseJson(text);
  } catch {
    return [
      errorAnswer(null, "invalid_json")
    ];
  }
  if (!Array.isArray(value)) return [
    decodePacket(value)
  ];
  if (value.length === 0) return [
    errorAnswer(null, "invalid_packet", "an empty array of packets")
  ];
  if (value.length > MAX_BATCH) {
    const message = \`\${value.length} packets in a frame: at most \${MAX_BATCH}\`;
    return [
      errorAnswer(null, "invalid_packet", message)
    ];
  }
  return value.map(decodePacket);
}
var HEAD_LENGTH = 6 * MAX_ID_LENGTH + 64;
function decodePacket(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return errorAnswer(null, "invalid_packet", \`a packet is a JSON object, not \${kindOf(value)}\`);
  }
  const { request_id, data, cancel: cancel2 } = value;
  if (!isRequestId(request_id)) {
    return errorAnswer(null, "invalid_packet", \`request_id \${faultOfId(request_id)}\`);
  }
  if (cancel2 === true) return {
    request_id,
    cancel: cancel2
  };
  if (typeof data !== "string") {
    const fault = data === void 0 ? "is missing" : \`is a string, not \${kindOf(data)}\`;
    return errorAnswer(request_id, "invalid_packet", \`data \${fault}\`);
  }
  return {
    request_id,
    data
  };
}
function faultOfId(id) {
  if (id === void 0) return "is missing";
  if (id === "") return "is empty";
  if (typeof id === "string") return \`has \${id.length} UTF-16 units: at most \${MAX_ID_LENGTH}\`;
  if (typeof id === "number") return "is a number, but not an integer within \\xB1(2^53 \\u2212 1)";
  return \`is a string or an integer, not \${kindOf(id)}\`;
}
function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return \`a \${typeof value}\`;
}
function encodeRequest(id, data) {
  return \`{"request_id":\${JSON.stringify(id)},"data":\${JSON.stringify(data)}}\`;
}
function encodeCancel(id) {
  return \`{"request_id":\${JSON.stringify(id)},"cancel":true}\`;
}
function encodeFrame(texts) {
  return texts.length === 1 ? texts[0] : \`[\${texts.join(",")}]\`;
}
function decodeAnswers(text) {
  let value;
  try {
    value = parseJson(text);
  } catch {
    return void 0;
  }
  const answers = Array.isArray(value) ? value : [
    value
  ];
  return answers.every(isAnswer) ? answers : void 0;
}
function isAnswer(value) {
  if (typeof value !== "object" || value === null) return false;
  const { request_id, data, delay, error } = value;
  if (data !== void 0) {
    return isRequestId(request_id) && error === void 0 && kindOf(data) === "an object" && (delay === void 0 || typeof delay === "number");
  }
  if (typeof error !== "object" || error === null) return false;
  const { code, message } = error;
  return (request_id === null || isRequestId(request_id)) && typeof code === "string" && typeof message === "string";
}
function isError(answer) {
  return "error" in answer;
}

// ../protocol/secret_hash.ts
var [BASIS, ODD] = crypto.getRandomValues(new Int32Array(2));
var FACTOR = ODD & ~7 | 5;
function secretHash(bytes, at, end, salt = 0) {
  let hash = BASIS ^ Math.imul(salt, FACTOR);
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i], FACTOR);
  return hash ^ hash >>> 15;
}

// ../protocol/repeats.ts
var COMMA = 44;
var BRACKET_OPEN = 91;
var BRACKET_CLOSE = 93;
var NONE = -1;
var FEW = 32;
var rearranged = new Uint8Array(4096);
var Members = class {
  /** How many there are. */
  count = 0;
  /** Whether any name repeats; then, and only then, are the chains below filled in. */
  repeats = false;
  /** Where a member's name starts and ends, quotes excluded. */
  #nameAt = new Int32Array(FEW);
  #nameEnd = new Int32Array(FEW);
  /** What is compared before the names are: length and two bytes among few, the hash among many. */
  #mark = new Int32Array(FEW);
  /** A bit for each of 32 kinds of marks that there is: among few, most names are the first of a kind. */
  #kinds = 0;
  /** The next member of the same name. */
  #next = new Int32Array(FEW);
  /** For the first member of a name, the last of it so far; none for those that follow it. */
  #last = new Int32Array(FEW);
  /** Open addressing: index + 1 of the first member of a name; 0 is empty. Unused among few. */
  #buckets = new Int32Array(0);
  #mask = 0;
  /** Forgets all members. */
  clear() {
    this.count = 0;
    this.repeats = false;
    this.#kinds = 0;
  }
  /** Notes the member whose name is \`text[nameAt .. nameEnd]\`. */
  add(text, nameAt, nameEnd) {
    const index = this.count++;
    if (index >= FEW) return this.#addToMany(text, nameAt, nameEnd, index);
    const length = nameEnd - nameAt;
    const mark = length << 16 ^ text[nameAt] << 8 ^ text[nameEnd - 1];
    const marks = this.#mark;
    this.#nameAt[index] = nameAt;
    this.#nameEnd[index] = nameEnd;
    marks[index] = mark;
    const kind = 1 << (mark ^ mark >> 8 ^ mark >> 16);
    if ((this.#kinds & kind) === 0) {
      this.#kinds |= kind;
    } else {
      for (let i = 0; i < index; i++) {
        if (marks[i] === mark && this.#isNamed(i, text, nameAt, length)) {
          return this.#chain(index, i);
        }
      }
    }
    if (this.repeats) this.#chain(index, NONE);
  }
  #addToMany(text, nameAt, nameEnd, index) {
    if (index === this.#nameAt.length) this.#grow();
    if (index === FEW) this.#rehash(text, index, 8 * FEW);
    else if (2 * index > this.#mask) this.#rehash(text, index, 4 * (this.#mask + 1));
    const mark = secretHash(text, nameAt, nameEnd);
    this.#nameAt[index] = nameAt;
    this.#nameEnd[index] = nameEnd;
    this.#mark[index] = mark;
    for (let bucket = mark & this.#mask; ; bucket = bucket + 1 & this.#mask) {
      const i = this.#buckets[bucket] - 1;
      if (i === NONE) {
        this.#buckets[bucket] = index + 1;
        break;
      }
      if (this.#mark[i] === mark && this.#isNamed(i, text, nameAt, nameEnd - nameAt)) {
        return this.#chain(index, i);
      }
    }
    if (this.repeats) this.#chain(index, NONE);
  }
  #isNamed(index, text, nameAt, length) {
    const at = this.#nameAt[index];
    if (this.#nameEnd[index] - at - length !== 0) return false;
    for (let i = 0; i < length; i++) {
      if (text[at + i] !== text[nameAt + i]) return false;
    }
    return true;
  }
  /** Fills a table of \`size\` anew with the first member of each name among those before \`index\`. */
  #rehash(text, index, size) {
    if (this.#buckets.length < size) this.#buckets = new Int32Array(size);
    else this.#buckets.fill(0, 0, size);
    this.#mask = size - 1;
    for (let i = 0; i < index; i++) {
      if (index === FEW) this.#mark[i] = secretHash(text, this.#nameAt[i], this.#nameEnd[i]);
      if (this.repeats && this.#last[i] === NONE) continue;
      let bucket = this.#mark[i] & this.#mask;
      while (this.#buckets[bucket] !== 0) bucket = bucket + 1 & this.#mask;
      this.#buckets[bucket] = i + 1;
    }
  }
  #grow() {
    const doubled = (array) => {
      const twice = new Int32Array(2 * array.length);
      twice.set(array);
      return twice;
    };
    this.#nameAt = doubled(this.#nameAt);
    this.#nameEnd = doubled(this.#nameEnd);
    this.#mark = doubled(this.#mark);
    this.#next = doubled(this.#next);
    this.#last = doubled(this.#last);
  }
  /** Puts member \`index\` at the end of the chain that starts at \`first\`, or, with none, in one of its own. */
  #chain(index, first) {
    if (!this.repeats) {
      this.repeats = true;
      for (let i = 0; i < index; i++) {
        this.#next[i] = NONE;
        this.#last[i] = i;
      }
    }
    this.#next[index] = NONE;
    this.#last[index] = first === NONE ? index : NONE;
    if (first === NONE) return;
    this.#next[this.#last[first]] = index;
    this.#last[first] = index;
  }
  /**
   * Gathers the values of names that repeat: \`"a":1,"b":2,"a":3\` becomes \`"a":[1,3],"b":2\`. The first
   * member starts at \`start\`, the last ends at \`end\`; returns the new end. The text never gets longer.
   */
  gather(text, start, end) {
    if (rearranged.length < end - start) rearranged = new Uint8Array(2 * (end - start));
    const out2 = rearranged;
    const valueAt = (i) => this.#nameEnd[i] + 2;
    const memberEnd = (i) => i + 1 < this.count ? this.#nameAt[i + 1] - 2 : end;
    let o = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.#last[i] === NONE) continue;
      if (o > 0) out2[o++] = COMMA;
      o = copy(text, this.#nameAt[i] - 1, valueAt(i), out2, o);
      const repeats2 = this.#next[i] !== NONE;
      if (repeats2) out2[o++] = BRACKET_OPEN;
      o = copy(text, valueAt(i), memberEnd(i), out2, o);
      for (let j = this.#next[i]; j !== NONE; j = this.#next[j]) {
        out2[o++] = COMMA;
        o = copy(text, valueAt(j), memberEnd(j), out2, o);
      }
      if (repeats2) out2[o++] = BRACKET_CLOSE;
    }
    return copy(out2, 0, o, text, start);
  }
};
function copy(from, at, end, to, o) {
  if (end - at > 64) {
    to.set(from.subarray(at, end), o);
    return o + end - at;
  }
  while (at < end) to[o++] = from[at++];
  return o;
}

// ../protocol/conversion.ts
var entities = new Members();
var pairs = new Members();
var lastSource = new Uint8Array(0);
var sourceView = viewOf(lastSource);
function viewOf({ buffer, byteOffset, byteLength: byteLength2 }) {
  return new DataView(buffer, byteOffset, byteLength2);
}

// ../protocol/answer_writer.ts
var encoder = new TextEncoder();
var BEFORE_ID = encoder.encode('{"request_id":');
var BEFORE_DATA = encoder.encode(',"data":');
var BEFORE_DELAY = encoder.encode(',"delay":');
var decoder = new TextDecoder();
var out = withPrefix(4096);
function withPrefix(length) {
  const buffer = new Uint8Array(length);
  buffer.set(BEFORE_ID);
  return buffer;
}

// ../protocol/representation.ts
var encoder2 = new TextEncoder();

// ../client/outbox.ts
var SHORT = 1e3;
var LONG = 7e4;
var Outbox = class {
  #send;
  #batched;
  #limit;
  #packets = [];
  #posted = [];
  #length = 0;
  /** The size of the largest shared frame known to be accepted, in bytes. */
  #accepted = 0;
  /** Larger shared frames. */
  #doubtful = [];
  /**
   * @param batched whether the server accepts arrays; otherwise, each packet is sent at once.
   * @param limit the largest frame that packets may share, in bytes, as far as known.
   */
  constructor(send2, batched, limit = Infinity) {
    this.#send = send2;
    this.#batched = batched;
    this.#limit = limit;
  }
  /** The largest frame that packets may share, in bytes, as far as known; 0 if they share none. */
  get limit() {
    return this.#limit;
  }
  /** Sends a packet by the end of the current task. */
  add(packet, posted) {
    if (!this.#batched) return this.#send(packet);
    this.#length += packet.length + 1;
    this.#posted.push(posted);
    if (this.#packets.push(packet) === 1) queueMicrotask(this.flush);
  }
  /** Sends all packets now. */
  flush = () => {
    const packets2 = this.#packets;
    const posted = this.#posted;
    const short = Math.min(SHORT - 2, this.#limit - 1);
    let most = this.#length > LONG ? Math.max(this.#limit - 1, short) : short;
    this.#packets = [];
    this.#posted = [];
    this.#length = 0;
    let from = 0;
    while (from < packets2.length) {
      let length = this.#lengthOf(packets2[from]) + 1;
      let to = from + 1;
      while (to < packets2.length && to - from < MAX_BATCH && length <= LONG) {
        const more = this.#lengthOf(packets2[to]) + 1;
        if (length + more > most) break;
        length += more;
        to++;
      }
      if (most > short && length <= LONG) {
        most = short;
        continue;
      }
      this.#post(packets2.slice(from, to), posted.slice(from, to));
      from = to;
    }
  };
  /** Notes that the server answered a request, and so accepted its frame. */
  accept({ frameSize }) {
    if (frameSize <= this.#accepted) return;
    this.#accepted = frameSize;
    this.#doubtful = this.#doubtful.filter(({ size }) => size > frameSize);
  }
  /**
   * Sends the packets of a shared frame again if an error refuses the frame as too large: in frames up
   * to the limit in the error, or each alone without one.
   *
   * @returns whether it did, so that the error needs no other treatment.
   */
  repair({ request_id, error: { code, limit } }) {
    if (code !== "packet_too_large") return false;
    const known = typeof limit === "number" ? limit : void 0;
    if (request_id !== null) {
      this.#limit = Math.min(this.#limit, known ?? Infinity);
      return false;
    }
    const newLimit = known ?? 0;
    const sizes = this.#doubtful.map(({ size }) => size);
    const largest = Math.max(...sizes, 0);
    if (largest <= newLimit) return false;
    this.#limit = Math.min(this.#limit, newLimit);
    const [frame] = this.#doubtful.splice(sizes.indexOf(largest), 1);
    frame.packets.forEach((packet, i) => this.add(packet, frame.posted[i]));
    return true;
  }
  #post(packets2, posted) {
    const frame = encodeFrame(packets2);
    const size = packets2.length === 1 ? 0 : byteLength(frame);
    for (const one of posted) if (one !== void 0) one.frameSize = size;
    if (size > this.#accepted) this.#doubtful.push({
      size,
      packets: packets2,
      posted
    });
    this.#send(frame);
  }
  /** In bytes once there is a limit; measuring bytes costs more than sharing a frame gains. */
  #lengthOf(packet) {
    return this.#limit === Infinity ? packet.length : byteLength(packet);
  }
};
var encoder3 = new TextEncoder();
var scratch = new Uint8Array(1 << 18);
function byteLength(text) {
  return 3 * text.length > scratch.length ? encoder3.encode(text).length : encoder3.encodeInto(text, scratch).written;
}

// connection.ts
var FIRST_RETRY = 1e3;
var MAX_RETRY = 3e4;
var TOKEN_KEY = "asyncpkt.token";
var TOKEN_PREFIX = "asyncpkt.token.";
var Connection = class {
  #url;
  #events;
  #socket;
  #failures = 0;
  /** The largest frame that packets may share, in bytes, as far as former connections have shown. */
  #frameLimit = Infinity;
  #retry;
  constructor(url, events) {
    this.#url = url;
    this.#events = events;
  }
  /** Connects now, unless it is open or connecting. */
  connect() {
    if (this.#socket !== void 0) return;
    clearTimeout(this.#retry);
    this.#events.changed({
      name: "connecting"
    });
    const token2 = savedToken();
    const credentials = token2 === "" ? [] : [
      TOKEN_PREFIX + encodeURIComponent(token2)
    ];
    const socket = this.#socket = new WebSocket(this.#url, [
      SUBPROTOCOL,
      ...credentials
    ]);
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      const isBatched = socket.protocol === SUBPROTOCOL;
      const outbox = new Outbox((frame) => socket.send(frame), isBatched, this.#frameLimit);
      this.#events.changed({
        name: "open"
      });
      this.#events.connected({
        send: (packet, posted) => outbox.add(packet, posted),
        sendAlone: (frame) => socket.send(frame),
        accept: (posted) => outbox.accept(posted),
        repair: (error) => {
          const isRepaired = outbox.repair(error);
          this.#frameLimit = outbox.limit;
          return isRepaired;
        }
      });
    };
    socket.onmessage = ({ data }) => {
      this.#failures = 0;
      this.#events.received(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(wasOpen, reasonOf(wasOpen, code, reason));
    };
  }
  /** Drops the connection, as a network failure does. */
  drop() {
    const socket = this.#socket;
    if (socket === void 0) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#failures = 0;
    this.#lost(true, "it was dropped");
  }
  /** Stops reconnecting until the next \`connect()\`. */
  stop() {
    clearTimeout(this.#retry);
  }
  #lost(wasOpen, reason) {
    this.#socket = void 0;
    const wait = retryDelay(this.#failures++);
    this.#retry = setTimeout(() => this.connect(), wait);
    this.#events.disconnected();
    const retryAt = performance.now() + wait;
    this.#events.changed({
      name: "waiting",
      reason,
      wasOpen,
      retryAt
    });
  }
};
function retryDelay(failures, random = Math.random()) {
  return Math.min(MAX_RETRY, FIRST_RETRY * 2 ** failures) * (1 + random) / 2;
}
function savedToken() {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}
function saveToken(token2) {
  sessionStorage.setItem(TOKEN_KEY, token2);
}
async function isAdmitted() {
  const token2 = savedToken();
  try {
    const headers = token2 === "" ? {} : {
      authorization: \`Bearer \${token2}\`
    };
    const health = await fetch("healthz", {
      headers
    });
    return "in_flight" in await health.json();
  } catch {
    return true;
  }
}
function reasonOf(wasOpen, code, reason) {
  if (!wasOpen) return "the server could not be reached";
  return reason ? \`the server closed it: \${reason} (\${code})\` : \`it was closed (\${code})\`;
}

// ../client/reply.ts
var AnswerFrame = class {
  #text;
  #parts;
  /** Creates a frame from valid JSON text. */
  constructor(text) {
    this.#text = text.trim();
  }
  /** Returns the text of the answer at \`index\`. */
  textOf(index) {
    this.#parts ??= this.#text.startsWith("[") ? splitTopLevel(this.#text) : [
      this.#text
    ];
    return this.#parts[index];
  }
};
var Reply = class {
  /** The id of the request. */
  requestId;
  /** The representation of the request's data. */
  data;
  /** The delay of the request, in seconds; undefined in plain mode. */
  delay;
  /** The time from sending the request to its answer, in milliseconds. */
  latency;
  #frame;
  #index;
  /** Creates a reply; the client does this. */
  constructor(response, latency, frame, index) {
    this.requestId = response.request_id;
    this.data = response.data;
    this.delay = response.delay;
    this.latency = latency;
    this.#frame = frame;
    this.#index = index;
  }
  /**
   * The response as JSON text, in one line and without the delay. It is the server's own text, so it
   * keeps the order of names such as \`10\` and \`9\`, which objects do not.
   */
  get json() {
    const members = splitTopLevel(this.#frame.textOf(this.#index));
    const kept = members.filter((member) => !/^"delay"\\s*:/.test(member));
    return \`{\${kept.join(",").replace(/[\\n\\r\\t]+/g, " ")}}\`;
  }
};

// page.ts
var numberFormat = new Intl.NumberFormat("en");
var timeFormat = new Intl.DateTimeFormat("en-GB", {
  timeStyle: "medium"
});
function find(selector, within = document) {
  const found = within.querySelector(selector);
  if (found === null) throw new Error(\`The page has no \${selector}\`);
  return found;
}
function copyTemplate(id) {
  const template = find(\`#\${id}\`);
  return template.content.firstElementChild.cloneNode(true);
}
function make(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className !== "") element.className = className;
  element.textContent = text;
  return element;
}
function count(n) {
  return numberFormat.format(n);
}
function duration(milliseconds) {
  if (Math.abs(milliseconds) >= 999.5) return \`\${(milliseconds / 1e3).toFixed(2)} s\`;
  return \`\${milliseconds.toFixed(Math.abs(milliseconds) < 10 ? 1 : 0)} ms\`;
}
function timeOfDay(at) {
  return timeFormat.format(performance.timeOrigin + at);
}

// pairing.ts
function splitData(data) {
  let count2 = 0;
  return data.split("%%").map((entity) => {
    const [entityName = "", ...tokens] = entity.split("&&");
    const before = count2;
    const pairs2 = [];
    for (let i = 0; i < tokens.length; i += 2) {
      const name = tokens[i];
      const value = tokens[i + 1];
      const number = entityName && name && value ? ++count2 : 0;
      pairs2.push({
        name,
        value,
        number
      });
    }
    return {
      name: entityName,
      pairs: pairs2,
      isKept: count2 > before
    };
  });
}
function linesOf(json, source) {
  const lines = [];
  const write = (depth, label, text, numbers, end) => {
    const isObject = text.startsWith("{") && text !== "{}";
    if (!isObject && !text.startsWith("[")) {
      const number = typeof numbers === "number" ? numbers : 0;
      lines.push({
        depth,
        text: label + text + end,
        number
      });
      return;
    }
    lines.push({
      depth,
      text: label + text[0],
      number: 0
    });
    const members = isObject ? membersOf(text).map(([name, value]) => {
      const inside = numbers instanceof Map ? numbers.get(name) : void 0;
      return [
        \`\${JSON.stringify(name)}: \`,
        value,
        inside
      ];
    }) : splitTopLevel(text).map((value, i) => {
      return [
        "",
        value,
        Array.isArray(numbers) ? numbers[i] : void 0
      ];
    });
    for (const [i, [name, value, inside]] of members.entries()) {
      write(depth + 1, name, value, inside, i < members.length - 1 ? "," : "");
    }
    lines.push({
      depth,
      text: (isObject ? "}" : "]") + end,
      number: 0
    });
  };
  write(0, "", json, numbersOf(source), "");
  return lines;
}
function numbersOf(source) {
  const entities2 = source.filter(({ isKept }) => isKept).map(({ name, pairs: pairs2 }) => {
    const kept = pairs2.filter(({ number }) => number > 0);
    return [
      name,
      byName(kept.map((pair) => [
        pair.name,
        pair.number
      ]))
    ];
  });
  return byName(entities2);
}
function byName(members) {
  const gathered = Map.groupBy(members, ([name]) => name);
  return new Map(Array.from(gathered, ([name, group]) => {
    return [
      name,
      group.length > 1 ? group.map(([, numbers]) => numbers) : group[0][1]
    ];
  }));
}

// detail.ts
var MAX_PAIRS = 200;
var MAX_TEXT = 2e4;
var Detail = class {
  row = copyTemplate("detail-template");
  #source = find(".source .code", this.row);
  #representation = find(".representation .code", this.row);
  #facts = find(".facts", this.row);
  #cancel = find(".cancel", this.row);
  #sent;
  constructor(cancel2) {
    this.row.id = "detail";
    this.#cancel.onclick = () => this.#sent && cancel2(this.#sent);
    const panes = find(".panes", this.row);
    const light = (event) => this.#highlight(pairAt(event.target));
    const restore = () => this.#highlight(pairAt(document.activeElement));
    panes.addEventListener("pointerover", light);
    panes.addEventListener("pointerleave", restore);
    panes.addEventListener("focusin", light);
    panes.addEventListener("focusout", restore);
  }
  /** The shown request. */
  get sent() {
    return this.#sent;
  }
  /** Shows a request. */
  show(sent) {
    this.#sent = sent;
    const { draft } = sent;
    const isCut = draft.data.length > MAX_TEXT;
    const data = isCut ? draft.data.slice(0, MAX_TEXT) : draft.data;
    if (draft.kind === "broken") this.#source.replaceChildren(data);
    else this.#source.replaceChildren(...sourceNodes(splitData(data)));
    if (isCut) this.#source.append(make("p", "hint", \`\\u2026 \${count(draft.data.length)} in all\`));
    this.update();
  }
  /** Shows the current state of the request. */
  update() {
    const { draft, sentAt, sendings, ending } = this.#sent;
    this.#cancel.hidden = ending !== void 0 || draft.id === null;
    const facts = [
      [
        "Sent at",
        timeOfDay(sentAt)
      ]
    ];
    if (sendings > 1) facts.push([
      "Sent",
      \`\${sendings} times, as the connection was lost\`
    ]);
    if (ending === void 0) {
      this.#representation.replaceChildren(make("p", "hint", "Not answered yet"));
    } else if (ending.result instanceof Reply) {
      const { delay, latency, json } = ending.result;
      facts.push([
        "Answered",
        \`after \${duration(latency)}, as number \${count(ending.place)}\`
      ]);
      if (delay !== void 0) {
        facts.push([
          "Delay",
          \`\${delay} s\`
        ], [
          "Late by",
          duration(latency - delay * 1e3)
        ]);
      }
      this.#representation.replaceChildren(...representationNodes(json, splitData(draft.data)));
    } else {
      facts.push([
        "Failed",
        \`after \${duration(ending.at - sentAt)}\`
      ]);
      const { code, message } = ending.result;
      const error = make("p", "error");
      error.append(make("strong", "", code), \` \${message}\`);
      this.#representation.replaceChildren(error);
    }
    this.#facts.replaceChildren(...facts.map(([name, value]) => {
      const fact = make("div");
      fact.append(make("dt", "", name), make("dd", "", value));
      return fact;
    }));
  }
  /** Highlights both parts of a pair; 0 for none. */
  #highlight(number) {
    this.row.classList.toggle("lit", number > 0);
    for (const element of this.row.querySelectorAll("[data-pair]")) {
      element.classList.toggle("lit", number > 0 && Number(element.dataset["pair"]) === number);
    }
  }
};
function pairAt(target) {
  const element = target instanceof Element ? target.closest("[data-pair]") : null;
  return Number(element?.dataset["pair"] ?? 0);
}
function sourceNodes(entities2) {
  const nodes = [];
  let shown = 0;
  for (const [i, { name, pairs: pairs2, isKept }] of entities2.entries()) {
    if (shown > MAX_PAIRS) {
      nodes.push(make("p", "hint", \`\\u2026 and \${count(entities2.length - i)} more\`));
      break;
    }
    const line = make("div", "entity");
    line.append(make("span", isKept ? "name" : "left-out", name));
    for (const pair of pairs2.slice(0, MAX_PAIRS)) line.append(separator("&&"), pairNode(pair));
    if (pairs2.length > MAX_PAIRS) line.append(" \\u2026");
    if (i < entities2.length - 1) line.append(separator("%%"));
    shown += pairs2.length + 1;
    nodes.push(line);
  }
  return nodes;
}
function pairNode({ name, value, number }) {
  const isKept = number > 0;
  const node = isKept ? markPair(make("button"), number) : make("span", "left-out");
  if (isKept) node.setAttribute("type", "button");
  node.append(name);
  if (value !== void 0) node.append(separator("&&"), value);
  return node;
}
function separator(text) {
  return make("span", "separator", text);
}
function markPair(element, number) {
  element.className = "pair";
  element.dataset["pair"] = String(number);
  element.style.setProperty("--number", String(number));
  element.append(make("span", "badge", String(number)));
  return element;
}
function representationNodes(json, source) {
  const data = membersOf(json).find(([name]) => name === "data")[1];
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
  return rest > 0 ? [
    ...nodes,
    make("p", "hint", \`\\u2026 and \${count(rest)} more\`)
  ] : nodes;
}

// drafts.ts
function readDrafts(typed, freeId2) {
  const whole = typed.trim();
  if (isFrame(whole) && isJson(whole)) return readFrame(whole);
  return typed.split(/\\r?\\n/).filter((line) => line.trim() !== "").flatMap((line) => isFrame(line.trim()) ? readFrame(line.trim()) : [
    requestOf(freeId2(), line)
  ]);
}
function repeatDrafts(drafts, count2, nextNumber) {
  return Array.from({
    length: drafts.length === 0 ? 0 : count2
  }, (_, i) => {
    const draft = drafts[i % drafts.length];
    if (draft.kind !== "request") return draft;
    const number = \`-\${nextNumber()}\`;
    return requestOf(\`\${draft.id}\`.slice(0, MAX_ID_LENGTH - number.length) + number, draft.data);
  });
}
function requestOf(id, data) {
  return {
    kind: "request",
    id,
    data,
    text: encodeRequest(id, data)
  };
}
function isFrame(text) {
  return text.startsWith("{") || text.startsWith("[");
}
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
function readFrame(frame) {
  const packets2 = decodeFrame(frame);
  const texts = frame.startsWith("[") && isJson(frame) ? splitTopLevel(frame) : [
    frame
  ];
  if (packets2.length !== texts.length) {
    return [
      {
        kind: "broken",
        id: null,
        data: frame,
        text: frame
      }
    ];
  }
  return packets2.map((packet, i) => {
    const id = packet.request_id;
    const text = texts[i];
    if ("error" in packet) return {
      kind: "broken",
      id,
      data: text,
      text
    };
    if ("cancel" in packet) return {
      kind: "cancel",
      id,
      data: "",
      text
    };
    return {
      kind: "request",
      id,
      data: packet.data,
      text
    };
  });
}

// exchange.ts
var RATE_WINDOW = 1e3;
var Exchange = class {
  #events;
  /**
   * Unanswered packets by id, in the order sent: the server refuses all but the first as duplicates.
   * Broken packets are under null.
   */
  #waiting = /* @__PURE__ */ new Map();
  #link;
  #inFlight = 0;
  #answered = 0;
  #failed = 0;
  /** When the last responses came. */
  #answeredAt = [];
  constructor(events) {
    this.#events = events;
  }
  /** Unanswered packets. */
  get inFlight() {
    return this.#inFlight;
  }
  /** Packets that were answered with a response. */
  get answered() {
    return this.#answered;
  }
  /** Packets that were answered with an error. */
  get failed() {
    return this.#failed;
  }
  /** Returns how many responses came in the second before \`now\`. */
  perSecond(now) {
    this.#answeredAt = this.#answeredAt.filter((at) => at > now - RATE_WINDOW);
    return this.#answeredAt.length;
  }
  /** Returns whether the id is in flight. */
  has(id) {
    return this.#waiting.has(id);
  }
  /** Sends drafts, now or on the next connection; returns those that the server answers. */
  send(drafts, now) {
    const sent = [];
    for (const draft of drafts) {
      if (draft.kind === "cancel") {
        this.cancel(draft.id, now);
        continue;
      }
      const one = {
        draft,
        sentAt: now,
        sendings: 0,
        frameSize: 0,
        ending: void 0
      };
      const same = this.#waiting.get(draft.id);
      if (same === void 0) this.#waiting.set(draft.id, [
        one
      ]);
      else same.push(one);
      this.#inFlight++;
      this.#transmit(one);
      sent.push(one);
    }
    return sent;
  }
  /** Asks the server to cancel a request. Without a connection, the request ends at once. */
  cancel(id, now) {
    if (this.#link !== void 0) return this.#link.send(encodeCancel(id));
    const sent = this.#take(id, 0);
    if (sent !== void 0) this.#end(sent, now, {
      code: "cancelled",
      message: ERRORS.cancelled
    });
  }
  /** Sends all unanswered packets on a new connection; a conversion has no side effect. */
  connected(link) {
    this.#link = link;
    for (const same of this.#waiting.values()) same.forEach((sent) => this.#transmit(sent));
  }
  /** Keeps packets from now on, since the connection is closed. */
  disconnected() {
    this.#link = void 0;
  }
  /** Reads a frame from the server. */
  receive(frame, now) {
    const answers = typeof frame === "string" ? decodeAnswers(frame) : void 0;
    if (answers === void 0) return this.#events.strayed("a frame that holds no answers");
    const whole = new AnswerFrame(frame);
    answers.forEach((answer, i) => this.#settle(answer, now, whole, i));
  }
  #transmit(sent) {
    if (this.#link === void 0) return;
    sent.sendings++;
    if (sent.draft.kind === "broken") this.#link.sendAlone(sent.draft.text);
    else this.#link.send(sent.draft.text, sent);
  }
  #settle(answer, now, frame, index) {
    if (isError(answer) && this.#link?.repair(answer)) return;
    const id = answer.request_id;
    const isDuplicate = isError(answer) && answer.error.code === "duplicate_request_id";
    const sent = this.#take(id, isDuplicate ? 1 : 0);
    if (sent === void 0) {
      this.#events.strayed(\`an answer to \${JSON.stringify(id)}, which is not in flight\`);
      return;
    }
    this.#link?.accept(sent);
    if (isError(answer)) {
      this.#end(sent, now, answer.error);
    } else {
      this.#end(sent, now, new Reply(answer, now - sent.sentAt, frame, index));
    }
  }
  #take(id, index) {
    const same = this.#waiting.get(id);
    const [sent] = same?.splice(index, 1) ?? [];
    if (same?.length === 0) this.#waiting.delete(id);
    return sent;
  }
  #end(sent, at, result) {
    this.#inFlight--;
    if (result instanceof Reply) {
      this.#answered++;
      this.#answeredAt.push(at);
    } else {
      this.#failed++;
    }
    sent.ending = {
      at,
      place: this.#answered + this.#failed,
      result
    };
    this.#events.ended(sent);
  }
};

// timeline.ts
var FIRST_REACH = 6e3;
var MAX_JOIN = 1e4;
var MAX_ROWS = 5e3;
var REACHES = [
  0.1,
  0.2,
  0.5,
  1,
  2,
  3,
  4,
  6,
  8,
  10,
  15,
  20,
  30,
  45,
  60,
  90,
  120
];
var STEPS = [
  20,
  50,
  100,
  200,
  500,
  1e3,
  2e3,
  5e3,
  1e4,
  15e3,
  3e4
];
var MAX_SLACK = 4;
var Timeline = class {
  #table;
  #detail;
  #events;
  #rows = /* @__PURE__ */ new Map();
  /** The newest first. */
  #runs = [];
  #sentOf = /* @__PURE__ */ new WeakMap();
  #reach = FIRST_REACH;
  #longest = 0;
  constructor(table, detail, events) {
    this.#table = table;
    this.#detail = detail;
    this.#events = events;
    table.addEventListener("click", this.#onClick);
    table.addEventListener("keydown", this.#onKey);
    this.#setReach(FIRST_REACH);
  }
  /** How many requests it shows. */
  get size() {
    return this.#rows.size;
  }
  /** Adds requests. */
  add(sent, now) {
    if (sent.length === 0) return;
    const newest = this.#runs[0];
    const joins = newest !== void 0 && newest.inFlight > 0 && now - newest.startedAt < MAX_JOIN;
    const run = joins ? newest : this.#startRun(now);
    const rows = document.createDocumentFragment();
    for (const one of sent) rows.append(this.#makeRow(one, run));
    run.body.append(rows);
    run.inFlight += sent.length;
    run.sent.push(...sent);
    if (!joins) this.#open(sent[0]);
    this.#title(run);
    this.#trim();
  }
  /** Shows the end of a request. */
  end(sent) {
    const shown = this.#rows.get(sent);
    if (shown === void 0) return;
    const { run, row } = shown;
    const { at, place, result } = sent.ending;
    const [, delay, late, outcome, track] = row.cells;
    const [bar, note] = track.children;
    const took = at - sent.sentAt;
    row.style.setProperty("--took", String(took));
    if (result instanceof Reply) {
      row.classList.add("answered");
      outcome.textContent = \`#\${count(place)}\`;
      if (result.delay !== void 0) {
        const due = result.delay * 1e3;
        delay.textContent = \`\${result.delay.toFixed(2)} s\`;
        late.textContent = duration(took - due);
        bar.style.setProperty("--due", String(due));
      }
    } else {
      run.failed++;
      row.classList.add("failed");
      outcome.textContent = result.code === "cancelled" ? "Cancelled" : "Error";
      note.append(make("strong", "", result.code), \` \${result.message}\`);
    }
    this.#longest = Math.max(this.#longest, at - run.startedAt);
    if (--run.inFlight === 0) {
      run.growth.cancel();
      run.fill.hidden = true;
      this.#title(run);
      this.#setReach(fitAxis(this.#reach, this.#longest));
    }
    if (this.#detail.sent === sent) this.#detail.update();
  }
  /** Updates the runs; call it a few times per second while requests are in flight. */
  tick(now) {
    const running = this.#runs.filter(({ inFlight }) => inFlight > 0);
    for (const run of running) this.#title(run);
    const elapsed = Math.max(0, ...running.map(({ startedAt }) => now - startedAt));
    if (elapsed > 0.92 * this.#reach) this.#setReach(fitAxis(this.#reach, 1.2 * elapsed));
  }
  /** Removes the runs that are over. */
  clear() {
    for (const run of this.#runs.filter(({ inFlight }) => inFlight === 0)) this.#remove(run);
    this.#longest = 0;
    this.#setReach(this.#runs.length === 0 ? FIRST_REACH : this.#reach);
  }
  #startRun(now) {
    const body = copyTemplate("run-template");
    const title = find(".run th", body);
    const fill = find(".fill", body);
    this.#table.tHead.after(body);
    const growth = find("td", fill).animate([
      {
        transform: "translateX(-100%)"
      },
      {
        transform: "none"
      }
    ], {
      duration: this.#reach,
      fill: "forwards"
    });
    growth.startTime = now;
    const run = {
      body,
      title,
      startedAt: now,
      fill,
      growth,
      sent: [],
      inFlight: 0,
      failed: 0
    };
    this.#runs.unshift(run);
    return run;
  }
  #makeRow(sent, run) {
    const row = copyTemplate("row-template");
    const id = sent.draft.id === null ? "no id" : String(sent.draft.id);
    const [button, cancel2] = row.querySelectorAll("button");
    button.textContent = id;
    button.title = id;
    cancel2.setAttribute("aria-label", \`Cancel \${id}\`);
    if (sent.draft.id === null) cancel2.remove();
    row.style.setProperty("--start", String(sent.sentAt - run.startedAt));
    this.#rows.set(sent, {
      run,
      row
    });
    this.#sentOf.set(row, sent);
    return row;
  }
  #title({ title, startedAt, sent, inFlight, failed }) {
    const parts = [
      timeOfDay(startedAt),
      \`\${count(sent.length)} sent\`
    ];
    if (inFlight > 0) parts.push(\`\${count(inFlight)} in flight\`);
    if (failed > 0) parts.push(\`\${count(failed)} failed\`);
    title.textContent = parts.join(" \\xB7 ");
  }
  #setReach(reach) {
    this.#reach = reach;
    this.#table.style.setProperty("--reach", String(reach));
    this.#table.style.setProperty("--step", String(stepOf(reach)));
    for (const { growth, inFlight } of this.#runs) {
      if (inFlight > 0) growth.effect.updateTiming({
        duration: reach
      });
    }
    const marks = marksOf(reach).map((at) => {
      const mark = make("span", "", at === 0 ? "0" : reach < 1e3 ? \`\${at} ms\` : \`\${at / 1e3} s\`);
      mark.style.setProperty("--at", String(at));
      return mark;
    });
    find(".marks", this.#table).replaceChildren(...marks);
  }
  #trim() {
    while (this.#rows.size > MAX_ROWS) {
      const oldest = this.#runs.findLast(({ inFlight }) => inFlight === 0);
      if (oldest === void 0) return;
      this.#remove(oldest);
    }
  }
  #remove(run) {
    if (run.body.contains(this.#detail.row)) this.#close();
    run.body.remove();
    for (const sent of run.sent) this.#rows.delete(sent);
    this.#runs.splice(this.#runs.indexOf(run), 1);
  }
  #open(sent) {
    this.#close();
    const { row } = this.#rows.get(sent);
    this.#detail.show(sent);
    row.after(this.#detail.row);
    const button = buttonOf(row);
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", this.#detail.row.id);
    this.#makeCurrent(button);
  }
  #close() {
    const shown = this.#detail.row.parentElement && this.#rows.get(this.#detail.sent);
    this.#detail.row.remove();
    if (!shown) return;
    const button = buttonOf(shown.row);
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
  }
  /** Makes a row the only one that the Tab key reaches; the arrow keys go on from there. */
  #makeCurrent(button) {
    for (const other of this.#table.querySelectorAll(".request th [tabindex='0']")) {
      other.tabIndex = -1;
    }
    button.tabIndex = 0;
  }
  #onClick = (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const row = button?.closest(".request");
    const sent = row && this.#sentOf.get(row);
    if (!button || !sent) return;
    if (button.closest(".outcome")) this.#events.cancel(sent);
    else if (button.getAttribute("aria-expanded") === "true") this.#close();
    else this.#open(sent);
  };
  #onKey = (event) => {
    const row = event.target instanceof Element ? event.target.closest(".request") : null;
    const sent = row && this.#sentOf.get(row);
    if (!row || !sent || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Delete") return this.#events.cancel(sent);
    const steps = STEPS_BY_KEY[event.key];
    if (steps === void 0) return;
    event.preventDefault();
    const rows = [
      ...this.#table.querySelectorAll(".request")
    ];
    const to = Math.min(rows.length - 1, Math.max(0, rows.indexOf(row) + steps));
    const button = buttonOf(rows[to]);
    this.#makeCurrent(button);
    button.focus();
  };
};
var STEPS_BY_KEY = {
  ArrowUp: -1,
  ArrowDown: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity
};
function buttonOf(row) {
  return find("th button", row);
}
function fitAxis(reach, longest) {
  if (longest <= reach && reach <= MAX_SLACK * longest) return reach;
  let fitting = 1e3 * (REACHES.find((seconds) => 1e3 * seconds >= longest) ?? REACHES.at(-1));
  while (fitting < longest) fitting *= 2;
  return fitting;
}
function marksOf(reach) {
  const step = stepOf(reach);
  return Array.from({
    length: Math.ceil(reach / step)
  }, (_, i) => i * step);
}
function stepOf(reach) {
  return STEPS.find((step) => reach / step <= 6) ?? reach / 6;
}

// console.ts
var TICK = 200;
var ANNOUNCEMENT_PAUSE = 2e3;
var packets = find("#packets");
var clear = find("#clear");
var connectionBox = find(".connection");
var connectionState = find("#connection-state");
var connectionButton = find("#connection-button");
var tokenDialog = find("#token-dialog");
var token = find("#token");
var tokenError = find("#token-error");
var totals = {
  inFlight: find("#in-flight"),
  answered: find("#answered"),
  failed: find("#failed"),
  rate: find("#rate")
};
var announcements = find("#announcements");
var exchange = new Exchange({
  ended: onEnded,
  strayed: (what) => announce(\`The server sent \${what}.\`)
});
var timeline = new Timeline(find("#timeline"), new Detail(cancel), {
  cancel
});
var connection = new Connection(new URL(".", location.href).href.replace(/^http/, "ws"), {
  changed: showConnection,
  connected: (link) => exchange.connected(link),
  disconnected: () => exchange.disconnected(),
  received: (frame) => exchange.receive(frame, performance.now())
});
var lastId = 0;
var repeats = 0;
var isLost = false;
var nextAnnouncement;
var isPausing = false;
var ticking;
function send(times) {
  const drafts = readDrafts(packets.value, freeId);
  const repeated = times === void 0 ? drafts : repeatDrafts(drafts, times, () => ++repeats);
  const now = performance.now();
  const sent = exchange.send(repeated, now);
  timeline.add(sent, now);
  announce(repeated.length === 0 ? "There is nothing to send." : \`\${count(sent.length)} sent.\`);
  ticking ??= setInterval(tick, TICK);
  tick();
}
function freeId() {
  let id;
  do
    id = String(++lastId);
  while (exchange.has(id));
  return id;
}
function cancel({ draft, ending }) {
  if (draft.id !== null && ending === void 0) exchange.cancel(draft.id, performance.now());
}
function onEnded(sent) {
  timeline.end(sent);
  if (exchange.inFlight > 0) return;
  tick();
  const { answered, failed } = exchange;
  announce(\`None in flight: \${count(answered)} answered, \${count(failed)} failed.\`);
}
function tick() {
  const now = performance.now();
  const perSecond = exchange.perSecond(now);
  totals.inFlight.textContent = count(exchange.inFlight);
  totals.answered.textContent = count(exchange.answered);
  totals.failed.textContent = count(exchange.failed);
  totals.rate.textContent = count(perSecond);
  timeline.tick(now);
  clear.disabled = timeline.size === 0;
  if (exchange.inFlight > 0 || perSecond > 0) return;
  clearInterval(ticking);
  ticking = void 0;
}
function announce(text) {
  nextAnnouncement = text;
  if (!isPausing) announceNext();
}
function announceNext() {
  isPausing = nextAnnouncement !== void 0;
  if (nextAnnouncement === void 0) return;
  announcements.textContent = nextAnnouncement;
  nextAnnouncement = void 0;
  setTimeout(announceNext, ANNOUNCEMENT_PAUSE);
}
function showConnection(state) {
  if (state.name === "connecting") return showState(state.name, "Connecting \\u2026");
  if (state.name === "open") {
    showState(state.name, \`Connected to \${location.host}\`);
    if (isLost) announce("Connected again.");
    isLost = false;
    return;
  }
  const wait = duration(state.retryAt - performance.now());
  showState(state.name, \`Not connected: \${state.reason}. Next attempt in \${wait}.\`);
  if (!isLost) announce(\`The connection is lost: \${state.reason}.\`);
  isLost = true;
  if (!state.wasOpen) askForToken();
}
function showState(name, text) {
  connectionBox.dataset["state"] = name;
  connectionState.textContent = text;
  connectionButton.textContent = name === "open" ? "Drop connection" : "Connect now";
  connectionButton.disabled = name === "connecting";
}
async function connect() {
  if (await askForToken()) connection.connect();
}
async function askForToken() {
  if (await isAdmitted()) return true;
  connection.stop();
  showState("waiting", "Not connected: the server asks for a token.");
  tokenError.textContent = savedToken() === "" ? "" : "The server does not accept this token.";
  if (!tokenDialog.open) tokenDialog.showModal();
  return false;
}
find("#compose").onsubmit = (event) => {
  event.preventDefault();
  send();
};
for (const button of document.querySelectorAll("[data-count]")) {
  button.onclick = () => send(Number(button.dataset["count"]));
}
packets.onkeydown = (event) => {
  if (event.key !== "Enter" || !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  send();
};
clear.onclick = () => {
  timeline.clear();
  tick();
};
connectionButton.onclick = () => {
  if (connectionBox.dataset["state"] === "open") connection.drop();
  else connect();
};
find("#token-form").onsubmit = (event) => {
  event.preventDefault();
  saveToken(token.value);
  tokenDialog.close();
  connect();
};
connect();
`,
  },
  "/console.svg": {
    type: "image/svg+xml",
    etag: "\"88e6e7dfc71b9c37\"",
    text: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <rect width="32" height="32" rx="7" fill="#22304a" />
  <g stroke-width="4" stroke-linecap="round">
    <path d="M7 9h10" stroke="#7ea6f4" />
    <path d="M7 16h18" stroke="#4fbf95" />
    <path d="M7 23h6" stroke="#e3b04b" />
  </g>
</svg>
`,
  },
};
