import { assert, assertEquals } from "@std/assert";
import { manualClock, type Rule, serve } from "../server.ts";
import { openBrowserSocket } from "../tests/support/browser_socket.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { consoleExamples, readPage, wordsOf } from "../tests/support/pages.ts";

const RULES: Rule[] = [
  { match: { id: "A" }, delay: 3 },
  {
    match: { data: "Hub&&*" },
    then: [{ fault: "error" }, { fault: { late: 0.5 } }, { delay: "0.1..0.2" }],
  },
  { match: { nth: 5 }, fault: "drop" },
  { match: { entity: "Door" }, hold: true },
  { match: { id: "slow-*" }, times: 1, delay: "never" },
  { match: { id: 7 }, answer: { Hub: { name: "other" } } },
  { match: { connection: 1, id: "no" }, error: { code: "overloaded", message: "no room" } },
  { match: { id: "later" }, delay: "10ms", error: { code: "cancelled" } },
];
const HUB = "Hub&&id&&1";
const PACKETS = [
  { request_id: "A", data: "" },
  { request_id: "hub 1", data: HUB },
  { request_id: "hub 2", data: HUB },
  { request_id: "hub 3", data: HUB },
  { request_id: "fifth", data: "" },
  { request_id: "door", data: "Door&&id&&1" },
  { request_id: "slow-1", data: "" },
  { request_id: "slow-2", data: "" },
  { request_id: 7, data: "" },
  { request_id: "no", data: "" },
  { request_id: "later", data: "" },
];
const OTHERS = Array.from({ length: 30 }, (_, i) => ({ request_id: `${i}`, data: "" }));
const FAULTS = { drop: 0.2, error: 0.2, late: 0.2, lateBy: 2 };
const FAULT_FLAG = ["--fault", "drop=0.2,error=0.2,late=0.2:2"];

const rulesFile = await Deno.makeTempFile({ suffix: ".json" });
await Deno.writeTextFile(rulesFile, JSON.stringify(RULES));
globalThis.addEventListener("unload", () => Deno.removeSync(rulesFile));

/** Returns the plans of packets as `plan --json` writes them. */
async function planned(packets: readonly object[], ...flags: string[]) {
  const stdin = packets.map((packet) => JSON.stringify(packet)).join("\n");
  const { code, stdout, stderr } = await runCommand(["plan", "--json", ...flags], { stdin });
  assertEquals([code, stderr], [0, ""]);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("plan shows what a server with the same flags does", async () => {
  const packets = [...PACKETS, ...OTHERS];
  const flags = ["--seed", "7", "--delay", "0.5..9", ...FAULT_FLAG, "--rules", rulesFile];
  const plans = await planned(packets, ...flags);
  await using server = serve({
    ...{ port: 0, seed: 7, delay: { min: 0.5, max: 9 }, faults: FAULTS, rules: RULES },
    clock: manualClock(),
  });
  await using peer = await openBrowserSocket(server.url);
  peer.send(packets);
  const arrived = await server.received(packets.length);
  server.clock.advance(20_000);
  const answers = new Map<unknown, { data?: unknown; error?: unknown }>();
  const ended = server.requests;
  const answered = ended.filter(({ outcome }) => /^answered|^error/.test(outcome));
  while (answers.size < answered.length) {
    const { request_id, ...answer } = await peer.next() as { request_id: unknown };
    answers.set(request_id, answer);
  }

  for (const [i, { id, held, error, answer, ...plan }] of plans.entries()) {
    const { delay, due, rule, fault, outcome } = arrived[i]!;
    const isRefused = error !== null && plan.due === 0;
    assertEquals({ delay, due, rule, fault }, plan, id);
    assertEquals(outcome === "held", held, id);
    assertEquals(outcome === `error:${error?.code}`, isRefused, id);
    assertEquals(ended[i]!.ended, plan.due, id);
    if (error !== null) assertEquals(answers.get(id)?.error, error);
    if (answer !== undefined) assertEquals(answers.get(id)?.data, answer);
  }
  for (const fault of ["drop", "error", "late"]) {
    assert(plans.some((plan) => plan.fault === fault && plan.rule === null), `no ${fault}`);
  }
});

Deno.test("plan spares an id that is sent again after it has disconnected its client", async () => {
  const packet = { request_id: "a", data: "" };
  const flags = ["--seed", "7", "--fault", "disconnect=1"];
  const plans = await planned([packet, packet, packet], ...flags);
  await using server = serve({
    ...{ port: 0, seed: 7, faults: { disconnect: 1 } },
    clock: manualClock(),
    journal: 10,
  });
  for (const [i, { fault, delay }] of plans.entries()) {
    await using peer = await openBrowserSocket(server.url);
    peer.send(packet);
    const entry = (await server.received(i + 1))[i]!;
    assertEquals([entry.fault, entry.delay], [fault, delay]);
    server.clock.advance(5000);
    await (fault === null ? peer.next() : peer.closed);
  }
  assertEquals(plans.map(({ fault }) => fault), ["disconnect", null, "disconnect"]);
});

Deno.test("plan writes a table for people", async () => {
  const rules = await runCommand(
    ["plan", "--delay", "2", "--connection", "2", "--seed", "1", "--rules", rulesFile],
    { stdin: PACKETS.map((packet) => JSON.stringify(packet)).join("\n") },
  );
  assertEquals([rules.code, rules.stderr], [0, ""]);
  assertEquals(rules.stdout.trimEnd().split("\n"), [
    "A       3.000 s  rule 1",
    "hub 1   2.000 s  error, rule 2",
    "hub 2   2.000 s  late by 0.5 s, rule 2",
    "hub 3   0.160 s  rule 2",
    "fifth   2.000 s  drop, rule 3",
    "door       held  rule 4",
    "slow-1    never  rule 5",
    "slow-2  2.000 s",
    '7       2.000 s  answer {"Hub":{"name":"other"}}, rule 6',
    "no      2.000 s",
    "later   0.010 s  error cancelled, rule 8",
  ]);
  const drip = await runCommand([
    "plan",
    "--delay",
    "0",
    "--seed",
    "1",
    "--fault",
    "drip=1:5",
    "a",
  ]);
  assertEquals(drip.stdout, "a  0.000 s  drip at 5 bytes/s\n");
});

Deno.test("plan reads ids from arguments or lines, and reports others", async () => {
  const plan = ["plan", "--delay", "2"];
  const words = ["01", " {x", "", '{"request_id":1.5}', '{"request_id":"a","cancel":true}', "é"];
  const problems = [
    "2: expected an id, or a packet as JSON: Expected property name or '}'",
    "3: request_id: expected 1 to 256 UTF-16 units, got 0",
    "4: request_id: expected an integer within ±(2^53 − 1), got 1.5",
    "5: expected a request, got one that cancels another",
  ];
  const lines = await runCommand(plan, { stdin: words.join("\n") });
  const args = await runCommand([...plan, ...words]);
  const stdout = "01  2.000 s\né   2.000 s\n";
  const reports = (what: string) => problems.map((problem) => `${what} ${problem}\n`).join("");
  assertEquals(lines, { code: 1, stdout, stderr: reports("line") });
  assertEquals(args, { code: 1, stdout, stderr: reports("argument") });
});

Deno.test("plan needs no seed where nothing depends on chance", async () => {
  const fixed = await Deno.makeTempFile();
  const write = (...rules: Rule[]) => Deno.writeTextFile(fixed, JSON.stringify(rules));
  const plan = async (...flags: string[]) =>
    await runCommand(["plan", "--rules", fixed, ...flags, "a"]);
  const needsSeed = "asyncpkt plan: expected --seed N, got none; without it,";

  await write({ match: { id: "a" }, delay: 3 }, { match: {}, delay: "never" });
  assertEquals(await plan("--fault", "drop=1"), {
    code: 0,
    stdout: "a  3.000 s  rule 1\n",
    stderr: "",
  });
  await write({ match: { id: "a" }, hold: true }, { match: {}, then: [{}, { delay: "1..2" }] });
  assertEquals((await plan()).stderr, `${needsSeed} the delay "1..2" of a rule is random\n`);
  await write({ match: { id: "b" }, delay: 3 });
  const advice = "delays are random, unless rules or a --delay of one value fix them";
  assertEquals(await plan(), { code: 2, stdout: "", stderr: `${needsSeed} ${advice}\n` });
  assertEquals((await plan("--delay", "0")).stdout, "a  0.000 s\n");
  const faults = "it is random which requests meet a fault";
  assertEquals((await plan("--delay=0", "--fault=drop=1")).stderr, `${needsSeed} ${faults}\n`);
  await Deno.remove(fixed);
});

Deno.test("docs/sending.md shows what plan writes", async () => {
  const examples = consoleExamples(await readPage("docs/sending.md"))
    .filter(({ line }) => line.startsWith("asyncpkt plan"));
  assertEquals(examples.length, 2);
  for (const { line, output } of examples) {
    const result = await runCommand(wordsOf(line).slice(1));
    assertEquals(result, { code: 0, stdout: output, stderr: "" });
  }
});
