/**
 * Pages that a server shows over HTTP: the console for people, the description for machines, and the headers
 * that every response has.
 *
 * @module
 */

/** Paths of the console's script, style and picture. */
const CONSOLE_PARTS = ["/console.css", "/console.js", "/console.svg"];

/** The console may load scripts, styles and pictures from its own server only. */
const CONSOLE_HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "vary": "accept",
};

/** Whether a request only reads: whatever a GET is answered with, a HEAD is, without the body. */
export function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Whether a request is a browser's that asks for the page; other clients need a WebSocket there. */
export function isForPage({ method, headers }: Request, path: string): boolean {
  return path === "/" && isReading(method) && !headers.has("upgrade") &&
    headers.get("accept")?.includes("text/html") === true;
}

/** Whether a path is that of a script, style or picture of the page. */
export function isPartOfPage(path: string): boolean {
  return CONSOLE_PARTS.includes(path);
}

/** Answers with the console or a part of it. It is loaded when it is asked for. */
export async function answerConsole({ url, headers: asked }: Request): Promise<Response> {
  const { ASSETS } = await import("./console_assets.ts");
  const { type, etag, text } = ASSETS[new URL(url).pathname]!;
  const headers = { ...CONSOLE_HEADERS, etag };
  // Deno makes it weak, W/"…", where it compresses the text.
  const isKnown = asked.get("if-none-match")?.includes(etag) ?? false;
  if (isKnown) return new Response(null, { status: 304, headers });
  return new Response(text, { headers: { ...headers, "content-type": type } });
}

/** Answers with the AsyncAPI description. It is loaded when it is asked for. */
export async function answerDescription(): Promise<Response> {
  const { default: description } = await import("./asyncapi.json", { with: { type: "json" } });
  return Response.json(description, {
    headers: {
      "content-type": `application/vnd.aai.asyncapi+json;version=${description.asyncapi}`,
    },
  });
}

/** Keeps browsers from taking a response for what it is not. */
const SECURITY_HEADERS = Object.entries({
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
});

/** Adds what the response does not say itself: a page may have a policy of its own. */
export function secure(response: Response, more: Readonly<Record<string, string>> = {}): Response {
  for (const [name, value] of [...SECURITY_HEADERS, ...Object.entries(more)]) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
