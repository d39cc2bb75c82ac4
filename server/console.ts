/**
 * The console: the page for people who open the server's address in a browser.
 *
 * @module
 */

/** Where its parts are. */
const PARTS = ["/console.css", "/console.js", "/console.svg"];

/** Scripts, styles and pictures of the server's own, none of them in the page; nothing from elsewhere. */
const HEADERS = {
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
  return PARTS.includes(path);
}

/** Answers a request for the page or a part of it. The page is loaded when it is asked for, so that starting costs nothing more. */
export async function answerConsole({ url, headers: asked }: Request): Promise<Response> {
  const { ASSETS } = await import("./console_assets.ts");
  const { type, etag, text } = ASSETS[new URL(url).pathname]!;
  const headers = { ...HEADERS, etag };
  // Deno makes it weak, W/"…", where it compresses the text.
  const isKnown = asked.get("if-none-match")?.includes(etag) ?? false;
  if (isKnown) return new Response(null, { status: 304, headers });
  return new Response(text, { headers: { ...headers, "content-type": type } });
}
