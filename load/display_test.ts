import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Output } from "../cli/output.ts";
import { Display } from "./display.ts";
import { Results } from "./results.ts";
import type { LoadOptions, Run } from "./run.ts";

const OPTIONS: LoadOptions = {
  url: new URL("ws://127.0.0.1:2707"),
  connections: 1,
  pipeline: 10,
  batch: 1,
  requests: 100,
  duration: 10_000,
  rate: undefined,
  timeout: 10_000,
  data: ["x"],
};

function start(isTerminal: boolean) {
  let written = "";
  const decoder = new TextDecoder();
  const output = new Output({
    write: (bytes) => Promise.resolve((written += decoder.decode(bytes), bytes.length)),
    isTerminal: () => isTerminal,
  });
  const results = new Results();
  const run: Run = {
    results,
    protocol: "",
    elapsed: 5000,
    sending: 5000,
    interrupted: false,
  };
  return { output, results, run, display: new Display(output, OPTIONS), written: () => written };
}

Deno.test("Display draws how a run goes, and takes it away again", async () => {
  const { output, results, run, display, written } = start(true);
  results.sent(25);
  results.answered(12, 12, undefined);
  results.failed(3);
  results.error("bad \x1b[2J");
  display.draw(run);
  await output.flush();
  const drawing = written();
  for (
    const part of ["5.0 s of 10.0 s", "23 in flight", "p99 12.0 ms", "1  bad \\u001b[2J\n"]
  ) assertStringIncludes(drawing, part);
  const lines = drawing.split("\n").length - 1;
  display.clear();
  await output.flush();
  assertEquals(written().slice(drawing.length), `\x1b[${lines}A\r\x1b[J`);
});

Deno.test("Display shows by which limit the run ends", async () => {
  const { output, results, run, display, written } = start(true);
  results.sent(75);
  display.draw(run);
  await output.flush();
  assertStringIncludes(written(), "75 of 100");
});

Deno.test("Display draws no more than a few times a second, and only on a terminal", async () => {
  const { output, run, display, written } = start(true);
  for (let i = 0; i < 3; i++) display.draw(run);
  await output.flush();
  assertEquals(written().split(" of ").length, 2);

  const file = start(false);
  file.display.draw(file.run);
  file.display.clear();
  await file.output.flush();
  assert(file.written() === "");
});
