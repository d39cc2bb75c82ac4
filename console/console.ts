/**
 * The page that a server shows in a browser: sends packets and shows their answers.
 *
 * @module
 */

import {
  Connection,
  type ConnectionState,
  isAdmitted,
  savedToken,
  saveToken,
} from "./connection.ts";
import { avoidTakenIds, readDrafts, repeatDrafts } from "./drafts.ts";
import { Exchange, type Sent } from "./exchange.ts";
import { Inspector } from "./inspector.ts";
import { count, duration, find } from "./page.ts";
import { ServerView } from "./server_view.ts";
import { setUpTheme } from "./theme.ts";
import { Timeline } from "./timeline.ts";
import { setUpToolbar } from "./toolbar.ts";
import { Totals } from "./totals.ts";
import { setUpWelcome } from "./welcome.ts";

/** The time between updates of the totals while something happens, in milliseconds. */
const TICK = 200;

/** The time between announcements, in milliseconds; of those in between, only the last counts. */
const ANNOUNCEMENT_PAUSE = 2000;

/** Where the browser keeps what is typed, until the tab is closed. */
const TYPED_KEY = "asyncpkt.packets";

const timeout = find<HTMLInputElement>("#timeout");
const packets = find<HTMLTextAreaElement>("#packets");
const cancelAll = find<HTMLButtonElement>("#cancel-all");
const clear = find<HTMLButtonElement>("#clear");
const connectionBox = find(".connection");
const connectionState = find("#connection-state");
const connectionButton = find<HTMLButtonElement>("#connection-button");
const tokenDialog = find<HTMLDialogElement>("#token-dialog");
const token = find<HTMLInputElement>("#token");
const tokenError = find("#token-error");
const exportButton = find<HTMLButtonElement>("#export");
const totals = new Totals();

const announcements = find("#announcements");
const exchange = new Exchange({
  ended: onEnded,
  changed: (sent) => timeline.change(sent),
  strayed: (what) => announce(`The server sent ${what}.`),
});
const inspector = new Inspector(cancel);
const timeline = new Timeline({ table: find("#timeline"), inspector, cancel });
const connection = new Connection(new URL(".", location.href).href.replace(/^http/, "ws"), {
  changed: showConnection,
  connected(link) {
    exchange.connected(link);
    showQueue();
  },
  disconnected() {
    exchange.disconnected();
    showQueue();
  },
  received: (frame) => exchange.receive(frame, performance.now()),
});

const serverView = new ServerView();

let lastId = 0;
let repeats = 0;
let isLost = false;
let nextAnnouncement: string | undefined;
let isPausing = false;
let ticking: ReturnType<typeof setInterval> | undefined;

function send(times?: number): void {
  const drafts = readDrafts(packets.value, freeId);
  const nextNumber = () => ++repeats;
  const repeated = avoidTakenIds(
    times === undefined ? drafts : repeatDrafts(drafts, times, nextNumber),
    (id) => exchange.has(id),
    nextNumber,
  );
  const now = performance.now();
  const sent = exchange.send(repeated, now, timeout.valueAsNumber * 1000 || Infinity);
  timeline.add(sent, now);
  announce(
    repeated.length === 0 ? "Nothing to send." : `${count(sent.length)} sent.`,
  );
  ticking ??= setInterval(tick, TICK);
  tick();
}

function freeId(): string {
  let id: string;
  do id = String(++lastId); while (exchange.has(id));
  return id;
}

function cancel({ draft, ending }: Sent): void {
  if (draft.id !== null && ending === undefined) exchange.cancel(draft.id, performance.now());
}

function onEnded(sent: Sent): void {
  timeline.end(sent);
  totals.ended(sent);
  if (exchange.inFlight > 0) return;
  tick();
  const { answered, failed, cancelled } = exchange;
  const others = cancelled > 0 ? `, ${count(cancelled)} cancelled` : "";
  announce(`None in flight: ${count(answered)} answered, ${count(failed)} failed${others}.`);
}

/** Shows whether requests are in flight, or wait for a connection. */
function showQueue(): void {
  timeline.connected(exchange.isConnected);
  tick();
}

function tick(): void {
  const now = performance.now();
  exchange.expire(now);
  const perSecond = exchange.perSecond(now);
  totals.show(exchange, perSecond);
  clear.disabled = exportButton.disabled = timeline.size === 0;
  cancelAll.disabled = exchange.inFlight === 0;
  if (exchange.inFlight > 0 || perSecond > 0) return;
  clearInterval(ticking);
  ticking = undefined;
}

/** Announces a text to screen readers, unless a newer one replaces it during the pause. */
function announce(text: string): void {
  nextAnnouncement = text;
  if (!isPausing) announceNext();
}

function announceNext(): void {
  isPausing = nextAnnouncement !== undefined;
  if (nextAnnouncement === undefined) return;
  announcements.textContent = nextAnnouncement;
  nextAnnouncement = undefined;
  setTimeout(announceNext, ANNOUNCEMENT_PAUSE);
}

function showConnection(state: ConnectionState): void {
  if (state.name === "connecting") return showState(state.name, "Connecting …");
  if (state.name === "open") {
    showState(state.name, `Connected to ${location.host}`);
    serverView.detect();
    if (isLost) announce("Reconnected.");
    isLost = false;
    return;
  }
  const wait = duration(state.retryAt - performance.now());
  showState(state.name, `Not connected: ${state.reason}. Next attempt in ${wait}.`);
  if (!isLost) announce(`Connection lost: ${state.reason}.`);
  isLost = true;
  if (!state.wasOpen) askForToken();
}

function showState(name: ConnectionState["name"], text: string): void {
  connectionBox.dataset["state"] = name;
  connectionState.textContent = text;
  connectionButton.textContent = name === "open" ? "Drop connection" : "Connect now";
  connectionButton.disabled = name === "connecting";
}

async function connect(): Promise<void> {
  if (await askForToken()) connection.connect();
}

/** Returns whether the server accepts the saved token; if not, asks for another. */
async function askForToken(): Promise<boolean> {
  if (await isAdmitted()) return true;
  connection.stop();
  showState("waiting", "Not connected: the server requires a token.");
  tokenError.textContent = savedToken() === "" ? "" : "The server rejected this token.";
  if (!tokenDialog.open) tokenDialog.showModal();
  return false;
}

find<HTMLFormElement>("#compose").onsubmit = (event) => {
  event.preventDefault();
  send();
};
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-count]")) {
  button.onclick = () => send(Number(button.dataset["count"]));
}
packets.value = sessionStorage.getItem(TYPED_KEY) ?? packets.value;
packets.oninput = () => sessionStorage.setItem(TYPED_KEY, packets.value);
packets.onkeydown = (event) => {
  if (event.key !== "Enter" || !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  send();
};
cancelAll.onclick = () => exchange.cancelAll(performance.now());
clear.onclick = () => {
  timeline.clear();
  totals.clear();
  tick();
};
connectionButton.onclick = () => {
  if (connectionBox.dataset["state"] === "open") connection.drop();
  else connect();
};
find<HTMLFormElement>("#token-form").onsubmit = (event) => {
  event.preventDefault();
  saveToken(token.value);
  tokenDialog.close();
  connect();
};
setUpTheme(() => timeline.redraw());
setUpToolbar(timeline);
setUpWelcome((text) => {
  packets.value = text;
  packets.dispatchEvent(new InputEvent("input"));
  packets.focus();
});

connect();
