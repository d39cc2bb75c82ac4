import { assertEquals } from "@std/assert";
import { lossOf } from "./socket.ts";

Deno.test("lossOf() explains events", () => {
  const table: [event: Event, message: string, isFinal: boolean][] = [
    [new Event("error"), "the connection broke", false],
    [
      new ErrorEvent("error", { message: "Unexpected EOF" }),
      "the connection broke: Unexpected EOF",
      false,
    ],
    [
      new ErrorEvent("error", { message: "Invalid close code" }),
      "the connection broke: Invalid close code",
      false,
    ],
    [
      new ErrorEvent("error", { message: "Invalid UTF-8" }),
      "the connection broke: Invalid UTF-8",
      true,
    ],
    [new CloseEvent("close"), "the connection broke", false],
    [new CloseEvent("close", { code: 1006 }), "the server closed the connection with 1006", false],
    [
      new CloseEvent("close", { code: 1008, reason: "x" }),
      "the server closed the connection with 1008 x",
      true,
    ],
  ];
  for (const [event, message, isFinal] of table) {
    const loss = lossOf(event);
    assertEquals([loss.why().code, loss.why().message, loss.isFinal], [
      "connection_lost",
      message,
      isFinal,
    ]);
  }
});
