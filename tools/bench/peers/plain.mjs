// A plain program, written in an afternoon, for Deno, Bun, and Node with ws. It parses, splits,
// builds objects, and sets a timer for each request. Arguments: port; "delays" or "none"; on Node,
// the folder that has ws.

const [port, mode, folder] = globalThis.Deno?.args ?? process.argv.slice(2);
const delays = mode === "delays";
const address = { hostname: "127.0.0.1", port: Number(port) };

if (globalThis.Deno) {
  Deno.serve(address, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => receive(data, (text) => socket.send(text));
    return response;
  });
} else if (globalThis.Bun) {
  Bun.serve({
    ...address,
    fetch: (request, server) =>
      server.upgrade(request) ? undefined : new Response(null, { status: 400 }),
    websocket: { message: (socket, data) => receive(data, (text) => socket.send(text)) },
  });
} else {
  const { createRequire } = await import("node:module");
  const { WebSocketServer } = createRequire(`${folder}/`)("ws");
  const server = new WebSocketServer({ host: address.hostname, port: address.port });
  server.on("connection", (socket) => {
    socket.on("message", (data) => receive(data.toString(), (text) => socket.send(text)));
  });
}

/** Answers a frame by `send`: at once, or each request after its own delay. */
function receive(text, send) {
  const packet = JSON.parse(text);
  if (!delays) {
    return send(JSON.stringify(Array.isArray(packet) ? packet.map(answer) : answer(packet)));
  }
  for (const request of Array.isArray(packet) ? packet : [packet]) {
    setTimeout(() => send(JSON.stringify(answer(request))), delayOf(request.request_id));
  }
}

/** Returns a delay in milliseconds that depends on the id, so that the load generator knows it. */
function delayOf(id) {
  return 1000 + (Math.imul(parseInt(id, 16), 0x9e3779b1) >>> 0) % 4001;
}

function answer({ request_id, data }) {
  return { request_id, data: convert(data) };
}

function convert(data) {
  const entities = Object.create(null);
  for (const part of data.split("%%")) {
    const [name, ...tokens] = part.split("&&");
    const entity = Object.create(null);
    for (let i = 0; i + 1 < tokens.length; i += 2) {
      if (tokens[i] !== "" && tokens[i + 1] !== "") add(entity, tokens[i], tokens[i + 1]);
    }
    if (name !== "" && Object.keys(entity).length > 0) add(entities, name, entity);
  }
  return entities;
}

function add(object, name, value) {
  if (!(name in object)) object[name] = value;
  else if (Array.isArray(object[name])) object[name].push(value);
  else object[name] = [object[name], value];
}
