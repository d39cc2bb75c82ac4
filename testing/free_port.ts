/**
 * A port that nobody listens on.
 *
 * @module
 */

/** Finds a port of 127.0.0.1 that is free, and will be for a while. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
