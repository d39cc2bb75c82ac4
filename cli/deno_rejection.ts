/**
 * A fault inside Deno that a peer can cause, and that would end the process.
 *
 * @module
 */

/** What Deno rejects with, out of anybody's reach, when a WebSocket gets a text of 512 MiB or more. */
const TOO_LONG = /^failed to allocate string/;

/**
 * Keeps the process alive when a peer sends a text that is too long for a string, until it is disposed.
 * Deno does not say whose it was, and that WebSocket will neither receive nor close any more. All other
 * rejections stay what they are.
 *
 * @param onTooLong is called when it has happened.
 */
export function surviveLongTexts(onTooLong: () => void): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    const { reason } = event;
    if (!(reason instanceof TypeError && TOO_LONG.test(reason.message))) return;
    event.preventDefault();
    onTooLong();
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onRejection),
  };
}
