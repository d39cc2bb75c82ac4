// The program that somebody writes in an afternoon: the same for Deno, Node and Bun, which only bring the
// socket. It parses, splits, builds objects, and sets a timer for each request.

/** The delay of a request, in milliseconds: from its id, so that the load generator knows it too. */
export function delayOf(id) {
  return 1000 + (Math.imul(parseInt(id, 16), 0x9e3779b1) >>> 0) % 4001;
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

function answer({ request_id, data }) {
  return { request_id, data: convert(data) };
}

/** Answers a frame by `send`: at once, or each request after its own delay. */
export function receive(text, delays, send) {
  const packet = JSON.parse(text);
  if (!delays) {
    return send(JSON.stringify(Array.isArray(packet) ? packet.map(answer) : answer(packet)));
  }
  for (const request of Array.isArray(packet) ? packet : [packet]) {
    setTimeout(() => send(JSON.stringify(answer(request))), delayOf(request.request_id));
  }
}
