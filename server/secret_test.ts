import { assert, assertEquals, assertThrows } from "@std/assert";
import { Secret } from "./secret.ts";

Deno.test("Secret is itself and nothing else", () => {
  const secret = new Secret("s3cret");
  assert(secret.is("s3cret"));
  for (const guess of ["", "s", "s3cre", "s3cret ", "S3cret", "s3crets", "\ud800", "__proto__"]) {
    assert(!secret.is(guess), guess);
  }
});

Deno.test("Secret does not show what it is", () => {
  const secret = new Secret("s3cret");
  for (const text of [Deno.inspect(secret), JSON.stringify(secret), String(secret)]) {
    assert(!text.includes("s3cret"), text);
  }
});

Deno.test("Secret takes what can stand in a header, and does not say what it was given", () => {
  for (const token of ["a", "-._~+/", "YWJj+/8=", "x".repeat(4096)]) assert(new Secret(token));
  for (const token of ["", "s3cret\r\nX: y", "s3 cret", "s3crét", "s3=cret", '"s3cret"']) {
    const error = assertThrows(() => new Secret(token), RangeError, "want a token of letters");
    assertEquals(error.message.includes("cret"), false);
  }
});
