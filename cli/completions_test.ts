import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCommand } from "../tests/support/fake_streams.ts";

const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Writes the script for a shell; returns its path. */
async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(["completions", shell]);
  assertEquals([code, stderr], [0, ""]);
  const path = `${folder}/asyncpkt.${shell}`;
  await Deno.writeTextFile(path, stdout);
  return path;
}

/** Runs a command of a shell; returns its output. */
async function run(shell: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(shell, {
    args,
    cwd: folder,
    env: { HOME: folder },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assertEquals([success, said], [true, ""]);
  return new TextDecoder().decode(stdout);
}

/** A test that needs a shell. */
function test(shell: string, fn: () => Promise<void>): void {
  let why = "";
  try {
    new Deno.Command(shell, { args: ["-c", ":"] }).outputSync();
  } catch {
    why = ` (ignored: there is no ${shell})`;
  }
  Deno.test({ name: `completions for ${shell} complete${why}`, ignore: why !== "", fn });
}

/** Words of a command line, and the completions of the last one. */
const CASES: [words: string[], completions: string[]][] = [
  [["se"], ["send", "serve"]],
  [["send", "--c"], ["--ca", "--chart", "--concurrency"]],
  [["bench", "--output-format", ""], ["json", "text"]],
  [["serve", "--log-format", "j"], ["json"]],
  [["send", "--file", "asyncpkt.b"], ["asyncpkt.bash"]],
  [["completions", "z"], ["zsh"]],
  [["help", "se"], ["send", "serve"]],
  [["serve", "--port", ""], []],
];

test("bash", async () => {
  const script = await scriptFor("bash");
  for (
    const [words, completions] of [...CASES, [["bench", "--output-format", "=", "j"], ["json"]]]
  ) {
    const complete = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _asyncpkt
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = await run("bash", "-c", complete, "bash", script, "asyncpkt", ...words!);
    assertEquals(said.split("\n").filter((line) => line !== "").sort(), completions!, `${words}`);
  }
  assertStringIncludes(await run("bash", "-c", `source "${script}"; complete -p asyncpkt`), "-F");
});

test("zsh", async () => {
  await run("zsh", "-n", await scriptFor("zsh"));
  // A stand-in for the completion system prints its arguments.
  const script = `
    compdef() {}; _describe() { print -l \${(P)2} }; _arguments() { print -l -- "$@" }
    source "$1"; shift; words=("$@"); CURRENT=$#; _asyncpkt`;
  const argumentsFor = async (...words: string[]) =>
    await run("zsh", "-fc", script, "zsh", `${folder}/asyncpkt.zsh`, "asyncpkt", ...words);
  assertStringIncludes(await argumentsFor("se"), "serve:starts the server\nwork:");
  assertStringIncludes(await argumentsFor("send", "--c"), "(--chart)--chart[shows when each");
  assertStringIncludes(
    await argumentsFor("bench", ""),
    "(-n --requests)-n[requests to send in total [no limit]]:N: \n",
  );
  assertStringIncludes(await argumentsFor("bench", ""), "]:text|json:(text json)\n");
  assertStringIncludes(await argumentsFor("send", ""), "]:PATH:_files\n");
  assertStringIncludes(await argumentsFor("completions", ""), "1:word:(bash zsh fish)\n");
});

test("fish", async () => {
  const script = await scriptFor("fish");
  for (const [words, completions] of CASES) {
    const complete = `source ${script}; complete -C 'asyncpkt ${words.join(" ")}'`;
    const said = (await run("fish", "-c", complete)).trimEnd().split("\n");
    const names = said.map((line) => line.split("\t")[0]!).filter((name) => name !== "");
    assertEquals(names.sort(), completions, `${words}`);
  }
});
