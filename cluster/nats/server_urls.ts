/**
 * The addresses of NATS servers, which may hold a password.
 *
 * @module
 */

/**
 * Checks an address.
 *
 * @throws {RangeError} if it is none; it does not show it.
 */
export function parseServer(given: string): string {
  const url = URL.parse(given);
  if (url !== null && /^(nats|tls):$/.test(url.protocol) && url.hostname !== "") return given;
  throw new RangeError("want a URL such as nats://127.0.0.1:4222 or tls://nats.example");
}

/** Returns the host and port of an address as they are connected to, such as `127.0.0.1:4222`. */
export function hostOf(server: string): string {
  const { hostname, port } = new URL(server);
  // A URL of the web has its host in one spelling: 127.1 is 127.0.0.1.
  return `${URL.parse(`http://${hostname}`)?.hostname ?? hostname}:${port || 4222}`;
}

/** Addresses as they may be shown: without credentials. */
export function showServers(servers: readonly string[]): string {
  return servers.map((server) => {
    const { protocol, host } = new URL(server);
    return `${protocol}//${host}`;
  }).join(", ");
}
