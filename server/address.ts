/**
 * IP addresses as text, such as `192.0.2.7` or `2001:db8::7`.
 *
 * @module
 */

/** The start of an IPv4-mapped IPv6 address. */
const MAPPED = /^::ffff:(?=\d+\.)/i;

/** Hosts that are this machine, as in a URL. */
const LOOPBACK = /^(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Returns the network of a peer, by which its connections count: its address, or the first half of
 * an IPv6 address, since a customer of a provider has all addresses that begin with the same half.
 */
export function networkOf(address: string): string {
  const plain = address.replace(MAPPED, "");
  if (!plain.includes(":")) return plain;
  const [front = "", back] = plain.split("::");
  const groups = front === "" ? [] : front.split(":");
  // `::` replaces as many zeros as the eight groups lack.
  const rest = back === undefined || back === "" ? [] : back.split(":");
  const zeros = Math.max(8 - groups.length - rest.length, 0);
  return [...groups, ...new Array(zeros).fill("0"), ...rest].slice(0, 4).join(":");
}

/** Whether a name or an address, bare or as in a URL, is this machine. */
export function isLoopback(host: string): boolean {
  return host === "::1" || LOOPBACK.test(host.toLowerCase().replace(MAPPED, ""));
}
