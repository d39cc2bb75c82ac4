/**
 * What every response says, so that a browser makes nothing of it that it is not.
 *
 * @module
 */

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
