// The plain program on Bun. Arguments: port, and "delays" or "none".
import { receive } from "./plain.js";

const [port, delays] = process.argv.slice(2);
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch: (request, server) =>
    server.upgrade(request) ? undefined : new Response(null, { status: 400 }),
  websocket: {
    message: (socket, data) => receive(data, delays === "delays", (text) => socket.send(text)),
  },
});
console.log("listening");
