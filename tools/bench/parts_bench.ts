import { TimingWheel } from "../../session/timing_wheel.ts";
import { decodeAnswers, encodeFrame, encodeRequest } from "../../protocol.ts";
import { plainAnswer } from "../../tests/support/plain.ts";
import { randomIntegers } from "../../tests/support/random.ts";
import { answer, DATA, MEDIUM, requestText, SMALL } from "./parts/conversion.ts";

// Conversion.

for (const [name, { full }] of Object.entries(DATA)) {
  const frame = requestText(full);
  Deno.bench(`asyncpkt, ${name}`, { group: name, baseline: true }, () => void answer(frame));
  Deno.bench(`plain, ${name}`, { group: name }, () => void plainAnswer(frame));
}

// Encoding.

const answers = Array.from({ length: 64 }, () => answer(requestText(SMALL)));
const frame = encodeFrame(answers);

Deno.bench("encodeRequest(), small", () => void encodeRequest("00000001", SMALL));
Deno.bench("encodeRequest(), 1.1 KB", () => void encodeRequest("00000001", MEDIUM));
Deno.bench("encodeFrame(), 64 answers", () => void encodeFrame(answers));
Deno.bench("decodeAnswers(), one answer", () => void decodeAnswers(answers[0]!));
Deno.bench("decodeAnswers(), 64 answers", () => void decodeAnswers(frame));

// The timing wheel.

/** Returns a function that advances a wheel of `size` entries, due within 1 to 5 s, by 1 ms. */
function advancing(size: number): () => void {
  const wheel = new TimingWheel();
  let now = 0;
  const random = randomIntegers(1);
  const add = (entry: number) => wheel.add(entry, now + 1000 + random(4001));
  for (let entry = 0; entry < size; entry++) add(entry);
  return () => wheel.advance(++now, add);
}

for (const size of [1_000, 100_000, 1_000_000]) {
  const waiting = size.toLocaleString("en");
  Deno.bench(`advance() by 1 ms, ${waiting} waiting`, advancing(size));
}

const wheel = new TimingWheel();
Deno.bench("add() and cancel()", () => {
  wheel.add(7, 3000);
  wheel.cancel(7);
});
