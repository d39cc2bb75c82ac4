/**
 * The console and the AsyncAPI description over HTTP, and the headers of every response.
 *
 * @module
 */

/** The console may load files only from its own server. {@linkcode secure} adds more headers. */
const CONSOLE_HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "vary": "accept",
};

/** Returns a response with the console or a part of it, which is loaded on the first request. */
export async function answerConsole({ url, headers: asked }: Request): Promise<Response> {
  const { ASSETS } = await import("./console_assets.ts");
  const { type, etag, text } = ASSETS[new URL(url).pathname]!;
  const headers = { ...CONSOLE_HEADERS, etag };
  // Deno turns it into W/"…" when it compresses the text.
  const isKnown = asked.get("if-none-match")?.includes(etag) ?? false;
  if (isKnown) return new Response(null, { status: 304, headers });
  return new Response(text, { headers: { ...headers, "content-type": type } });
}

/** Returns a response with the AsyncAPI description, which is loaded on the first request. */
export async function answerDescription(): Promise<Response> {
  const { default: description } = await import("./asyncapi.json", { with: { type: "json" } });
  return Response.json(description, {
    headers: {
      "content-type": `application/vnd.aai.asyncapi+json;version=${description.asyncapi}`,
    },
  });
}

/** Headers that keep browsers from misinterpreting a response. */
const SECURITY_HEADERS = Object.entries({
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
});

/** Adds the security headers, and more, unless the response sets them itself. */
export function secure(response: Response, more: Readonly<Record<string, string>> = {}): Response {
  for (const [name, value] of [...SECURITY_HEADERS, ...Object.entries(more)]) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
