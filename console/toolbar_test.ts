import { assertEquals } from "@std/assert";
import { ALL } from "./selection.ts";
import { nextOrder } from "./toolbar.ts";

Deno.test("nextOrder() goes from ascending to descending to the order in which they were sent", () => {
  const ascending = nextOrder(ALL, "delay");
  assertEquals(ascending, { sort: "delay", isDescending: false });
  const descending = nextOrder({ ...ALL, ...ascending }, "delay");
  assertEquals(descending, { sort: "delay", isDescending: true });
  assertEquals(nextOrder({ ...ALL, ...descending }, "delay"), {
    sort: "sent",
    isDescending: false,
  });
  assertEquals(nextOrder({ ...ALL, ...descending }, "id"), { sort: "id", isDescending: false });
});
