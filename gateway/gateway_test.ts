import { whyNoNatsServer } from "../testing/nats_server.ts";

const missing = await whyNoNatsServer();
if (missing === undefined) await import("../server_test.ts?gateway");
