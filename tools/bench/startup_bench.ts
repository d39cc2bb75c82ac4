import { output } from "../../tests/support/machine.ts";
import { here } from "./machine.ts";

const deno = [Deno.execPath(), "run", "--quiet"];
const empty = await Deno.makeTempFile({ suffix: ".ts" });

Deno.bench("an empty program", { group: "start", baseline: true }, async () => {
  await output([...deno, empty]);
});
Deno.bench("asyncpkt --help", { group: "start" }, async () => {
  await output([...deno, "--frozen", here("../../main.ts"), "--help"]);
});
