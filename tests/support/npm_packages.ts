/**
 * npm packages for tests. They are named here and not in deno.json, since `deno compile` puts all that is
 * named there into the program.
 *
 * @module
 */

export { default as fc } from "npm:fast-check@^4";
export { Ajv2020, type ValidateFunction } from "npm:ajv@^8/dist/2020.js";
