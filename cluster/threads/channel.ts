/**
 * Calls between the main thread and a worker, as messages. They arrive in the order in which they were made.
 *
 * @module
 */

/** A `Worker`, or the scope of one. */
export interface Port {
  // deno-lint-ignore no-explicit-any -- as the DOM declares it
  onmessage: ((event: MessageEvent<any>) => void) | null;
  postMessage(message: unknown): void;
}

/** What one end lets the other call. */
// deno-lint-ignore no-explicit-any -- any function will do
export type Functions = Record<string, (...args: any[]) => unknown>;

/** A call, whose result is sent if it has an id; or a result. */
type Message =
  | { readonly name: string; readonly args: readonly unknown[]; readonly id?: number }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown };

/** One end of a channel. */
export class Channel<Local extends Functions, Remote extends Functions> {
  readonly #port: Port;
  readonly #local: Local;
  /** Calls that have no result yet, by id. */
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #closed: Error | undefined;

  /** @param local what the other end can call. */
  constructor(port: Port, local: Local) {
    this.#port = port;
    this.#local = local;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  /** Calls a function of the other end, without its result. What it throws is uncaught there. */
  send<Name extends keyof Remote & string>(name: Name, ...args: Parameters<Remote[Name]>): void {
    this.#post({ name, args });
  }

  /**
   * Calls a function of the other end.
   *
   * @returns what it returns, or resolves to.
   * @throws what it throws, or the reason why the channel was closed.
   */
  call<Name extends keyof Remote & string>(
    name: Name,
    ...args: Parameters<Remote[Name]>
  ): Promise<Awaited<ReturnType<Remote[Name]>>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = ++this.#lastId;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(id, call);
    this.#post({ name, args, id });
    return call.promise as ReturnType<typeof this.call<Name>>;
  }

  /** Sends and receives no more; calls without a result are rejected. */
  close(reason: Error): void {
    this.#closed = reason;
    for (const { reject } of this.#calls.values()) reject(reason);
  }

  #post(message: Message): void {
    if (this.#closed === undefined) this.#port.postMessage(message);
  }

  #receive(message: Message): void {
    if (this.#closed !== undefined) return;
    if ("name" in message) {
      const { name, args, id } = message;
      if (id === undefined) return void this.#local[name]!(...args);
      Promise.try(() => this.#local[name]!(...args)).then(
        (value) => this.#post({ id, value }),
        (error) => this.#post({ id, error }),
      );
    } else {
      const call = this.#calls.get(message.id)!;
      this.#calls.delete(message.id);
      if ("error" in message) call.reject(message.error);
      else call.resolve(message.value);
    }
  }
}
