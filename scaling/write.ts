/**
 * `deno task scaling`: reckons the figures of docs/scaling.md, and puts them into it.
 *
 * @module
 */

import { output } from "../testing/machine.ts";
import { readMeasurements, readReports } from "./measurements.ts";
import { fillIn, partsOf } from "./report.ts";

const path = new URL("../docs/scaling.md", import.meta.url).pathname;
const parts = partsOf(await readMeasurements(), await readReports());
for (const part of Object.values(parts)) console.log(part + "\n");
await Deno.writeTextFile(path, fillIn(await Deno.readTextFile(path), parts));
await output([Deno.execPath(), "fmt", "--quiet", path]);
