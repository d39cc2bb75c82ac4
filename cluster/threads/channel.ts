/**
 * Function calls between the main thread and a worker, as messages. They arrive in order.
 *
 * @module
 */

/** A `Worker`, or the global scope of one. */
export interface Port {
  // deno-lint-ignore no-explicit-any -- as the DOM declares it
  onmessage: ((event: MessageEvent<any>) => void) | null;
  postMessage(message: unknown): void;
}

/** Functions that one end lets the other call. */
// deno-lint-ignore no-explicit-any -- any function will do
export type Functions = Record<string, (...args: any[]) => unknown>;

/** A call, which asks for a result if it has an id; or a result. */
type Message =
  | { readonly name: string; readonly args: readonly unknown[]; readonly id?: number }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown };

/** One end of a channel. */
export class Channel<Local extends Functions, Remote extends Functions> {
  readonly #port: Port;
  readonly #local: Local;
  /** Calls without a result, by id. */
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #closed: Error | undefined;

  /** @param local functions for the other end. */
  constructor(port: Port, local: Local) {
    this.#port = port;
    this.#local = local;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  /** Calls a function of the other end and ignores the result. Its errors are uncaught there. */
  send<Name extends keyof Remote & string>(name: Name, ...args: Parameters<Remote[Name]>): void {
    this.#post({ name, args });
  }

  /**
   * Calls a function of the other end and returns its result.
   *
   * @throws the error of the function, or the reason why the channel was closed.
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

  /** Ends all traffic, and rejects calls without a result. */
  close(reason: Error): void {
    this.#closed = reason;
    for (const { reject } of this.#calls.values()) reject(reason);
  }

  #post(message: Message): void {
    if (this.#closed === undefined) this.#port.postMessage(message);
  }

  #receive(message: Message): void {
    if (this.#closed !== undefined) return;
    if (!("name" in message)) {
      const call = this.#calls.get(message.id)!;
      this.#calls.delete(message.id);
      if ("error" in message) call.reject(message.error);
      else call.resolve(message.value);
      return;
    }
    const { name, args, id } = message;
    if (id === undefined) return void this.#local[name]!(...args);
    Promise.try(() => this.#local[name]!(...args)).then(
      (value) => this.#post({ id, value }),
      (error) => this.#post({ id, error }),
    );
  }
}
