/**
 * The WebSocket of Node's `ws`, a foreign client for the tests; named here for the reason that
 * {@link file://./fast_check.ts} gives.
 *
 * @module
 */

export { WebSocket as ForeignSocket } from "npm:ws@^8";
