/**
 * What the main thread and the workers say to each other.
 *
 * @module
 */

import type { Certificate, Drained, ServeOptions, ServerEvents } from "../../server.ts";
import type { LedgerParts } from "./ledger.ts";

/** An event, by its name, and what it is told with. */
export type Telling = {
  [Name in keyof ServerEvents]-?: [Name, ...Parameters<NonNullable<ServerEvents[Name]>>];
}[keyof ServerEvents];

/** What a worker needs to begin. */
export interface Beginning {
  /** All but what cannot be sent. */
  readonly options: Omit<ServeOptions, "events" | "tap">;
  /** Which events it is to tell. */
  readonly events: readonly (keyof ServerEvents)[];
  readonly ledger: LedgerParts;
  /** The number of the worker's row. */
  readonly row: number;
}

/** What a worker is told. */
export type Order =
  | { readonly kind: "begin"; readonly beginning: Beginning }
  | { readonly kind: "renew"; readonly tls: Certificate }
  | { readonly kind: "drain" };

/** What a worker says. */
export type Report =
  | { readonly kind: "listening"; readonly url: string; readonly port: number }
  /** It cannot begin. */
  | { readonly kind: "unable"; readonly reason: string }
  | { readonly kind: "events"; readonly tellings: readonly Telling[] }
  | { readonly kind: "renewed"; readonly failure?: string }
  | { readonly kind: "drained"; readonly drained: Drained }
  /** Something of its own went wrong, and it cannot be trusted any more. */
  | { readonly kind: "faulty" };
