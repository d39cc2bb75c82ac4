import { plainAnswer } from "../../tests/support/plain.ts";
import { answer, DATA, requestText } from "./conversion.ts";

for (const [name, { full }] of Object.entries(DATA)) {
  const frame = requestText(full);
  Deno.bench(`asyncpkt, ${name}`, { group: name, baseline: true }, () => void answer(frame));
  Deno.bench(`plain, ${name}`, { group: name }, () => void plainAnswer(frame));
}
