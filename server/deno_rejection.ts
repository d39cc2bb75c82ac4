/**
 * A fault inside Deno that a peer can cause, and that would end the process.
 *
 * @module
 */

/**
 * Whether this is what Deno rejects with, out of anybody's reach, when a WebSocket gets a text of 512 MiB or
 * more.
 */
export function isTooLongText(reason: unknown): boolean {
  return reason instanceof TypeError && /^failed to allocate string/.test(reason.message);
}

/**
 * Keeps the process alive when a peer sends a text that is too long for a string, until it is disposed.
 * Deno does not say whose it was, and that WebSocket will neither receive nor close any more. All other
 * rejections stay what they are.
 *
 * @param onTooLong is called when it has happened.
 */
export function surviveLongTexts(onTooLong: () => void): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    if (!isTooLongText(event.reason)) return;
    event.preventDefault();
    onTooLong();
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onRejection),
  };
}
