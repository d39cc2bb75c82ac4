import { serve } from "./server.ts";
import { testServer } from "./tests/support/server_suite.ts";

testServer("alone", (options) => Promise.try(serve, options));
testServer("strict", (options) => Promise.try(serve, { ...options, websocket: "strict" }));
