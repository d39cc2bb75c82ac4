import { decodeAnswers, encodeFrame, encodeRequest } from "../../protocol.ts";
import { answer, MEDIUM, requestText, SMALL } from "./conversion.ts";

const answers = Array.from({ length: 64 }, () => answer(requestText(SMALL)));
const frame = encodeFrame(answers);

Deno.bench("encodeRequest(), small", () => void encodeRequest("00000001", SMALL));
Deno.bench("encodeRequest(), 1.1 KB", () => void encodeRequest("00000001", MEDIUM));
Deno.bench("encodeFrame(), 64 answers", () => void encodeFrame(answers));
Deno.bench("decodeAnswers(), one answer", () => void decodeAnswers(answers[0]!));
Deno.bench("decodeAnswers(), 64 answers", () => void decodeAnswers(frame));
