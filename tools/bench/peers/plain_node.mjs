// The plain program on Node, with ws. Arguments: port, "delays" or "none", the folder that has ws.
import { createRequire } from "node:module";
import { receive } from "./plain.js";

const [port, delays, folder] = process.argv.slice(2);
const { WebSocketServer } = createRequire(`${folder}/`)("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port) });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    receive(data.toString(), delays === "delays", (text) => socket.send(text));
  });
});
server.on("listening", () => console.log("listening"));
