/**
 * What kind of event a WebSocket has given. Node 22 has the kinds, but not their classes.
 *
 * @module
 */

/** Whether it is an `error` that says more than that there was one; browsers' own never do. */
export function isErrorEvent(event: Event): event is ErrorEvent {
  return "message" in event;
}

/** Whether it is a `close`. */
export function isCloseEvent(event: Event): event is CloseEvent {
  return "code" in event;
}
