/**
 * Addresses of peers, as text such as `192.0.2.7` or `2001:db8::7`.
 *
 * @module
 */

/** An address of IPv4 in the dress of IPv6. */
const MAPPED = /^::ffff:(?=\d+\.)/i;

/** What means this machine only, as a URL has it. */
const LOOPBACK = /^(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * What stands for a peer when connections are counted: its address, or in IPv6 the first half of it, as
 * anybody who has one address there has the whole of the other half.
 */
export function networkOf(address: string): string {
  const plain = undressed(address);
  if (!plain.includes(":")) return plain;
  const [front = "", back] = plain.split("::");
  const groups = front === "" ? [] : front.split(":");
  // `::` stands for as many zeros as make eight groups.
  const rest = back === undefined || back === "" ? [] : back.split(":");
  const zeros = Math.max(8 - groups.length - rest.length, 0);
  return [...groups, ...new Array(zeros).fill("0"), ...rest].slice(0, 4).join(":");
}

/** An address of IPv4 without the dress of IPv6; any other as it is. */
export function undressed(address: string): string {
  return address.replace(MAPPED, "");
}

/** Whether a name or an address, bare or as a URL has it, means this machine only, for whoever uses it. */
export function isLoopback(host: string): boolean {
  return host === "::1" || LOOPBACK.test(host.toLowerCase());
}
