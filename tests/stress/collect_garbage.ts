/**
 * For `--preload`: collects all garbage on SIGUSR2, and reports it on stdout. Needs `--expose-gc`.
 *
 * @module
 */

declare const gc: (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

Deno.addSignalListener("SIGUSR2", () => {
  // Any other flavor leaves the young generation as large as it has grown, even if it is empty.
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
  console.log("garbage collected");
});
