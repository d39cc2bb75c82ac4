import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { MAX_ID_LENGTH, type RequestId } from "../protocol.ts";
import { secretHash } from "../protocol/secret_hash.ts";
import { plainConvertToJson } from "../tests/support/plain.ts";
import { randomIntegers } from "../tests/support/random.ts";
import { RequestTable } from "./request_table.ts";

const encoder = new TextEncoder();

interface Request {
  owner: number;
  id: RequestId;
  data: string;
  delay: number;
}

/** A RequestTable and its plain twin, Maps of objects. */
class Twins {
  readonly inFlight = new RequestTable();
  /** Requests by entry. */
  readonly requests = new Map<number, Request>();
  /** Entries by owner and id. */
  readonly entries = new Map<string, number>();
  /** Entries by owner, the newest last. */
  readonly owned = new Map<number, number[]>();

  add(request: Request): number {
    const { owner, id, data, delay } = request;
    const idText = encoder.encode(JSON.stringify(id));
    const dataText = encoder.encode(JSON.stringify(data).slice(1, -1));
    // The id and the data are apart, as in a frame.
    const source = new Uint8Array(5 + idText.length + 7 + dataText.length + 2).fill(0xa5);
    source.set(idText, 5);
    const dataAt = 5 + idText.length + 7;
    source.set(dataText, dataAt);
    const entry = this.inFlight.add(
      owner,
      source,
      5,
      5 + idText.length,
      dataAt,
      dataAt + dataText.length,
      idText.every(isAscii) && dataText.every(isAscii),
      delay,
    );
    source.fill(0); // the table keeps a copy
    assert(!this.requests.has(entry), `${entry} is given out already`);
    this.requests.set(entry, request);
    this.entries.set(keyOf(owner, id), entry);
    this.owned.set(owner, [...this.owned.get(owner) ?? [], entry]);
    return entry;
  }

  remove(entry: number): void {
    this.assertHolds(entry);
    const { owner, id } = this.requests.get(entry)!;
    this.inFlight.remove(entry);
    this.requests.delete(entry);
    this.entries.delete(keyOf(owner, id));
    this.owned.set(owner, this.owned.get(owner)!.filter((other) => other !== entry));
  }

  /** Checks all fields of an entry. */
  assertHolds(entry: number): void {
    const { owner, id, data, delay } = this.requests.get(entry)!;
    const { inFlight } = this;
    const body = `{"request_id":${JSON.stringify(id)},"data":${plainConvertToJson(data)}`;
    assertStrictEquals(inFlight.owner(entry), owner);
    assertStrictEquals(inFlight.idText(entry), JSON.stringify(id));
    assertStrictEquals(String(inFlight.response(entry, false)), body + "}");
    // Twice, since the conversion writes behind the data.
    const withDelay = `${body},"delay":${JSON.stringify(delay / 1000)}}`;
    assertStrictEquals(String(inFlight.response(entry, true)), withDelay);
  }

  assertFinds(owner: number, id: RequestId): void {
    const text = encoder.encode(`  ${JSON.stringify(id)} `);
    const entry = this.inFlight.find(owner, text, 2, text.length - 1);
    assertStrictEquals(entry, this.entries.get(keyOf(owner, id)) ?? -1, `${owner}: ${id}`);
  }

  assertAgree(): void {
    assertStrictEquals(this.inFlight.size, this.requests.size);
    for (const entry of this.requests.keys()) this.assertHolds(entry);
    for (const { owner, id } of this.requests.values()) this.assertFinds(owner, id);
    for (const [owner, entries] of this.owned) {
      assertStrictEquals(this.inFlight.newestOf(owner), entries.at(-1) ?? -1);
    }
  }
}

function keyOf(owner: number, id: RequestId): string {
  return `${owner} ${JSON.stringify(id)}`;
}

function isAscii(byte: number): boolean {
  return byte < 0x80;
}

const DATA = "Hub&&name&&qwe&&id&&123&&";

Deno.test("find() distinguishes owners, types and lengths of ids", () => {
  const twins = new Twins();
  const ids = [1, "1", -1, "-1", 11, "a", "aa", "é", "e", '"', "\\", "\ud800", "😀"];
  for (const owner of [0, 1, 63, 64, 1000]) {
    for (const id of ids) {
      twins.assertFinds(owner, id);
      twins.add({ owner, id, data: DATA, delay: 1000 });
      twins.assertFinds(owner, id);
      twins.assertFinds(owner + 1, id);
    }
  }
  twins.assertAgree();
});

Deno.test("find() finds ids of every length", () => {
  const twins = new Twins();
  for (const char of ["x", "é", "€", "\0"]) {
    for (let length = 1; length <= MAX_ID_LENGTH; length++) {
      twins.add({ owner: 3, id: char.repeat(length), data: "", delay: length });
    }
  }
  twins.assertAgree();
  for (const entry of [...twins.requests.keys()]) twins.remove(entry);
  twins.assertAgree();
});

Deno.test("find() distinguishes ids with the same hash", () => {
  const byHash = new Map<number, string>();
  const pairs: [string, string][] = [];
  // Hashes differ between processes, so the test searches for ids with the same hash.
  for (let i = 0; i < 300_000; i++) {
    const id = i % 2 === 0 ? `${i}` : `longer ${i}`;
    const text = encoder.encode(JSON.stringify(id));
    const hash = secretHash(text, 0, text.length, 0);
    const other = byHash.get(hash);
    if (other === undefined) byHash.set(hash, id);
    else pairs.push([other, id]);
  }
  const twins = new Twins();
  for (const [one, other] of pairs) {
    twins.add({ owner: 0, id: one, data: DATA, delay: 1 });
    twins.assertFinds(0, other);
    twins.add({ owner: 0, id: other, data: DATA, delay: 2 });
  }
  twins.assertAgree();
});

Deno.test("find() returns −1 when a request was never there or was removed", () => {
  const twins = new Twins();
  twins.assertFinds(0, "a");
  twins.assertFinds(1_000_000, "a");
  const entry = twins.add({ owner: 0, id: "a", data: DATA, delay: 1 });
  twins.remove(entry);
  twins.assertFinds(0, "a");
  assertStrictEquals(twins.inFlight.size, 0);
});

Deno.test("newestOf() returns the newest request that was not removed", () => {
  const twins = new Twins();
  assertStrictEquals(twins.inFlight.newestOf(0), -1);
  assertStrictEquals(twins.inFlight.newestOf(1_000_000), -1);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => {
    return twins.add({ owner: 70, id, data: DATA, delay: 1 });
  });
  twins.add({ owner: 71, id: "a", data: DATA, delay: 1 });
  for (const [removed, newest] of [[b, d], [d, c], [a, c], [c, -1]]) {
    twins.remove(removed!);
    assertStrictEquals(twins.inFlight.newestOf(70), newest);
  }
  twins.assertAgree();
});

Deno.test("response() returns the response for data of any length and kind", () => {
  const twins = new Twins();
  const values = ["v".repeat(30), "é".repeat(200), "€😀\n\\\"'".repeat(1000), "x".repeat(300_000)];
  for (let length = 1; length < 5000; length += length < 300 ? 1 : 37) {
    values.push("y".repeat(length));
  }
  values.forEach((value, i) => {
    twins.add({ owner: i % 3, id: i, data: `A&&n&&${value}%%A&&m&&${value}&&`, delay: i });
  });
  twins.add({ owner: 0, id: "empty", data: "", delay: 86_400_000 });
  twins.assertAgree();
  for (const entry of [...twins.requests.keys()].filter((entry) => entry % 2 === 0)) {
    twins.remove(entry);
  }
  values.forEach((value, i) => {
    twins.add({ owner: 4, id: `again ${i}`, data: `B&&n&&${value}`, delay: 0 });
  });
  twins.assertAgree();
});

Deno.test("add() uses freed entries again", () => {
  const twins = new Twins();
  const count = 3000;
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < count; i++) {
      const entry = twins.add({ owner: i % 100, id: `${round} ${i}`, data: DATA, delay: 1 });
      assertLess(entry, count);
    }
    twins.assertAgree();
    const random = randomIntegers(round);
    const entries = [...twins.requests.keys()];
    while (entries.length > 0) twins.remove(entries.splice(random(entries.length), 1)[0]!);
    assertEquals(twins.inFlight.size, 0);
  }
});

for (const [seed, owners, most] of [[1, 3, 40], [2, 1, 700], [3, 200, 5000], [4, 2000, 3000]]) {
  const name = `seed ${seed}, ${owners} owners, up to ${most} in flight`;
  Deno.test(`RequestTable does the same as the plain twin: ${name}`, () => {
    const random = randomIntegers(seed!);
    const twins = new Twins();
    const anyId = () => {
      const number = random(2 * most!);
      return random(3) === 0 ? number : "x".repeat(random(5)) + String(number);
    };
    const anyData = () => {
      const value = (random(4) === 0 ? "é" : "v").repeat(random(random(50) === 0 ? 6000 : 60));
      return `Hub&&id&&${value}&&name&&${random(10)}`;
    };
    let goal = most!;
    for (let i = 0; i < 30_000; i++) {
      if (twins.requests.size >= goal) goal = random(4) === 0 ? 0 : random(most!);
      else if (twins.requests.size <= goal && random(100) === 0) goal = most!;
      const [owner, id] = [random(owners!), anyId()];
      twins.assertFinds(owner, id);
      const entry = twins.entries.get(keyOf(owner, id));
      if (entry !== undefined) {
        twins.remove(entry);
      } else if (twins.requests.size < goal) {
        twins.add({ owner, id, data: anyData(), delay: random(5000) });
      } else {
        // The newest request of a session, as when it is closed.
        const newest = twins.inFlight.newestOf(owner);
        assertStrictEquals(newest, twins.owned.get(owner)?.at(-1) ?? -1);
        if (newest !== -1) twins.remove(newest);
      }
      if (i % 5000 === 0) twins.assertAgree();
    }
    twins.assertAgree();
    for (const owner of twins.owned.keys()) {
      for (let entry; (entry = twins.inFlight.newestOf(owner)) !== -1;) twins.remove(entry);
    }
    twins.assertAgree();
  });
}
