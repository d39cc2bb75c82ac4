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

/** Answers a browser that asks for the page, or for a part of it; undefined for all other requests. */
export function answerWithConsole(request: Request): Promise<Response> | undefined {
  if (request.method !== "GET" || request.headers.has("upgrade")) return undefined;
  const path = URL.parse(request.url)?.pathname;
  if (path === undefined || !PATHS.includes(path)) return undefined;
  // Others than browsers hear that this is a WebSocket endpoint.
  if (path === "/" && !request.headers.get("accept")?.includes("text/html")) return undefined;
  return answerWith(path, request.headers.get("if-none-match"));
}

/** Loads the page when it is asked for, so that starting costs nothing more. */
async function answerWith(path: string, knownEtags: string | null): Promise<Response> {
  const { ASSETS } = await import("./console_assets.ts");
  const { type, etag, text } = ASSETS[path]!;
  const headers = { ...HEADERS, etag };
  // Deno makes it weak, W/"…", where it compresses the text.
  if (knownEtags?.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(text, { headers: { ...headers, "content-type": type } });
}
