/**
 * Ajv for JSON Schema 2020-12, for the tests; named here for the reason that {@link file://./fast_check.ts} gives.
 *
 * @module
 */

export { Ajv2020, type ValidateFunction } from "npm:ajv@^8/dist/2020.js";
