import { assertEquals } from "@std/assert";
import { closestString } from "./closest_string.ts";

const KNOWN = ["port", "hostname", "delay", "log-format", "max-packet-size", "max-in-flight"];

Deno.test("closestString() returns the word that was meant, and undefined for a mere guess", () => {
  const cases: [word: string, found: string | undefined][] = [
    ["port", "port"],
    ["prt", "port"],
    ["porrt", "port"],
    ["pork", "port"],
    ["prot", "port"],
    ["Port", "port"],
    ["host-name", "hostname"],
    ["max-inflight", "max-in-flight"],
    ["max-packetsize", "max-packet-size"],
    ["logformat", "log-format"],
    ["dealy", "delay"],
    ["p", undefined],
    ["", undefined],
    ["trop", undefined],
    ["nonsense", undefined],
    ["x".repeat(100_000), undefined],
  ];
  for (const [word, found] of cases) {
    assertEquals(closestString(word, KNOWN), found, word.slice(0, 20));
  }
  assertEquals(closestString("port", []), undefined);
});
