import { assertEquals, assertStrictEquals } from "@std/assert";
import { ERRORS, isErrorCode } from "./errors.ts";

Deno.test("ERRORS has the codes of the protocol", () => {
  const codes = [
    ...["invalid_json", "invalid_packet", "duplicate_request_id", "packet_too_large"],
    ...["overloaded", "cancelled", "shutting_down", "internal"],
  ];
  assertEquals(Object.keys(ERRORS), codes);
  for (const code of codes) assertStrictEquals(isErrorCode(code), true);
  for (const other of ["", "Internal", "toString", "__proto__", null, undefined, 1, ["internal"]]) {
    assertStrictEquals(isErrorCode(other), false);
  }
});
