/**
 * URLs of NATS servers, which may contain a password.
 *
 * @module
 */

/**
 * Checks a URL and returns it.
 *
 * @throws {RangeError} if the URL is not valid. The message does not show it.
 */
export function parseServer(given: string): string {
  const url = URL.parse(given);
  if (url !== null && /^(nats|tls):$/.test(url.protocol) && url.hostname !== "") return given;
  throw new RangeError("expected a URL such as nats://127.0.0.1:4222 or tls://nats.example");
}

/** Returns the host and port to connect to, such as `127.0.0.1:4222`. */
export function hostOf(server: string): string {
  const { hostname, port } = new URL(server);
  // Only URLs of the web normalize their hosts: 127.1 becomes 127.0.0.1.
  return `${URL.parse(`http://${hostname}`)?.hostname ?? hostname}:${port || 4222}`;
}

/** Returns URLs as text without credentials. */
export function showServers(servers: readonly string[]): string {
  return servers.map((server) => {
    const { protocol, host } = new URL(server);
    return `${protocol}//${host}`;
  }).join(", ");
}
