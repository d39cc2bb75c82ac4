import { TimingWheel } from "../../session/timing_wheel.ts";

/** A wheel that holds `size` entries, all due within 1 to 5 s, and goes on by a millisecond a turn. */
function turning(size: number): () => void {
  const wheel = new TimingWheel();
  let now = 0;
  let seed = 1;
  const add = (entry: number) => {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223;
    wheel.add(entry, now + 1000 + (seed >>> 0) % 4001);
  };
  for (let entry = 0; entry < size; entry++) add(entry);
  return () => wheel.advance(++now, add);
}

for (const size of [1_000, 100_000, 1_000_000]) {
  const turn = turning(size);
  Deno.bench(`a millisecond, ${size.toLocaleString("en")} waiting`, turn);
}

const wheel = new TimingWheel();
Deno.bench("add() and cancel()", () => {
  wheel.add(7, 3000);
  wheel.cancel(7);
});
