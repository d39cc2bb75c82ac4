// Answers without converting, as fast as Bun can, for measuring clients. It answers an array frame
// with an array frame. Arguments: port; "none" to agree to no subprotocol, instead of to any.
const [port, protocols] = process.argv.slice(2);

function answer(request) {
  return request.slice(0, request.indexOf(',"data":')) + ',"data":{}}';
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch(request, server) {
    const offered = request.headers.get("sec-websocket-protocol");
    const protocol = protocols === "none" ? null : offered;
    const headers = protocol ? { "sec-websocket-protocol": protocol } : {};
    return server.upgrade(request, { headers }) ? undefined : new Response(null, { status: 400 });
  },
  websocket: {
    message(socket, data) {
      if (data[0] !== "[") socket.send(answer(data));
      else socket.send(`[${data.slice(1, -1).split(/(?<=\}),/).map(answer).join(",")}]`);
    },
  },
});
