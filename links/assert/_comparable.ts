/** Types whose text holds their whole content; Node compares less than that. */
const TEXTUAL = [RegExp, URL, URLSearchParams, Intl.Locale];

/** Types that Node compares as `@std` does, or by identity where the content cannot be read. */
const LEFT_TO_NODE = [Date, ArrayBuffer, SharedArrayBuffer, DataView, WeakMap, WeakSet];

/** The key of the text of a value in its copy; no value under test can have it. */
const TEXT = Symbol("text");

function isOneOf(types: { prototype: object }[], value: object): boolean {
  return types.some((type) => Object.prototype.isPrototypeOf.call(type.prototype, value));
}

/** The keys that `@std` compares: for an instance of a class also those that its classes define. */
function keysOf(value: object, isPlain: boolean): Set<PropertyKey> {
  if (isPlain) return new Set(Reflect.ownKeys({ ...value }));
  const keys = new Set<PropertyKey>();
  let at = value;
  while (at && at !== Object.prototype && at !== Array.prototype) {
    Reflect.ownKeys(at).forEach((key) => keys.add(key));
    at = Object.getPrototypeOf(at);
  }
  return keys;
}

/**
 * Copies a value so that Node's strict deep comparison gives the answer of `@std`. For `@std`, 0
 * equals -0, an object without prototype equals an ordinary one with the same content, and what the
 * getters of a class return is part of its instances. `done` maps the objects already copied to
 * their copies, so that cycles stay cycles.
 */
export function comparable(value: unknown, done = new Map<unknown, unknown>()): unknown {
  if (value === 0) return 0;
  if (typeof value !== "object" || value === null) return value;
  if (done.has(value)) return done.get(value);
  if (ArrayBuffer.isView(value) || isOneOf(LEFT_TO_NODE, value)) return value;
  if (value instanceof WeakRef) return comparable(value.deref(), done);
  if (isOneOf(TEXTUAL, value)) return { [TEXT]: String(value), type: value.constructor };

  if (value instanceof Map) {
    const copy = new Map();
    done.set(value, copy);
    for (const [key, item] of value) copy.set(comparable(key, done), comparable(item, done));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set();
    done.set(value, copy);
    for (const item of value) copy.add(comparable(item, done));
    return copy;
  }

  const prototype = Object.getPrototypeOf(value) ?? Object.prototype;
  const isPlain = prototype === Object.prototype || prototype === Array.prototype;
  const copy = Object.setPrototypeOf(
    Array.isArray(value) ? new Array(value.length) : {},
    prototype,
  );
  done.set(value, copy);
  for (const key of keysOf(value, isPlain)) {
    if (Array.isArray(value) && key === "length") continue;
    // Defined, not assigned: the class may have a getter without a setter under this key.
    const item = comparable(Reflect.get(value, key), done);
    Object.defineProperty(copy, key, { value: item, enumerable: true, configurable: true });
  }
  return copy;
}
