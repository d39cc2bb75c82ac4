// The plain program on Deno. Arguments: port, and "delays" or "none".
import { receive } from "./plain.js";

const [port, delays] = Deno.args;
Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => receive(data, delays === "delays", (text) => socket.send(text));
  return response;
});
