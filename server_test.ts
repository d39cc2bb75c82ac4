import { serve } from "./server.ts";
import { canReset } from "./server/resettable_listener.ts";
import { testServer } from "./tests/support/server_suite.ts";

testServer("alone", (options) => Promise.try(serve, options));
testServer("strict", (options) => Promise.try(serve, { ...options, websocket: "strict" }));
if (canReset()) {
  // With rules, connections can be reset.
  testServer("resettable", (options) => {
    return Promise.try(serve, { rules: [], journal: 0, ...options, websocket: "strict" });
  });
}
