/**
 * Preloaded into a process whose memory is looked at: collects all garbage when SIGUSR2 arrives, and
 * says so on stdout. It needs `--v8-flags=--expose-gc`.
 *
 * @module
 */

declare const gc: (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

Deno.addSignalListener("SIGUSR2", () => {
  // Any other flavor leaves the young generation as large as it has grown, even if it is empty.
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
  console.log("garbage collected");
});
