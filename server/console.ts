/**
 * The console: the page for people who open the server's address in a browser.
 *
 * @module
 */

/** Where it is. */
const PATHS = ["/", "/console.css", "/console.js", "/console.svg"];

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

/** Whether a request is a browser's that asks for the page, or for a part of it. */
export function isForConsole({ method, headers }: Request, path: string): boolean {
  if (method !== "GET" || headers.has("upgrade") || !PATHS.includes(path)) return false;
  // Others than browsers hear that this is a WebSocket endpoint.
  return path !== "/" || headers.get("accept")?.includes("text/html") === true;
}

/** Answers such a request. The page is loaded when it is asked for, so that starting costs nothing more. */
export async function answerConsole({ url, headers: asked }: Request): Promise<Response> {
  const { ASSETS } = await import("./console_assets.ts");
  const { type, etag, text } = ASSETS[new URL(url).pathname]!;
  const headers = { ...HEADERS, etag };
  // Deno makes it weak, W/"…", where it compresses the text.
  const isKnown = asked.get("if-none-match")?.includes(etag) ?? false;
  if (isKnown) return new Response(null, { status: 304, headers });
  return new Response(text, { headers: { ...headers, "content-type": type } });
}
