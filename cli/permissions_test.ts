import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../tests/support/certificates.ts";
import { startNatsServer, whyNoNatsServer } from "../tests/support/nats_server.ts";
import { type Program, startProgram, startTask } from "../tests/support/program.ts";
import { PATIENCE } from "../tests/support/waiting.ts";
import { shellQuote } from "./permissions.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** How a command line that is printed here begins. */
const DENO = Deno.execPath().includes("/node_modules/")
  ? `npx -y deno@${Deno.version.deno}`
  : "deno";

const TOKEN = "--allow-env=ASYNCPKT_TOKEN,TERM";
const TERM = "--allow-env=TERM";

/** Starts a printed command line as a shell reads it, with the Deno of the test. */
function startPasted(commandLine: string): Program {
  assert(commandLine.startsWith(`${DENO} run `), commandLine);
  const script = `exec ${shellQuote(Deno.execPath())}${commandLine.slice(DENO.length)}`;
  return startProgram("bash", ["-c", script]);
}

/** A command that has no permission for its arguments. */
interface Refused {
  readonly command: "serve" | "work";
  readonly args: string[];
  /** What it has instead of the permissions of its task. */
  readonly permissions?: string[];
  readonly code: number;
  /** What the error says that is not allowed. */
  readonly actions: string;
  readonly allow: string[];
  /** The arguments that are printed, if they are others. */
  readonly printed?: string[];
}

/** Has a command refuse its arguments; checks what it prints, and that the printed command line works. */
async function checkRefusal(refused: Refused): Promise<void> {
  const { command, args, permissions, code, actions, allow, printed = args } = refused;
  await using refusing = permissions === undefined
    ? await startTask(command, ...args)
    : startProgram(Deno.execPath(), ["run", ...permissions, "main.ts", command, ...args]);
  const { stdout, stderr, code: exit } = await refusing.result();
  const [error, commandLine] = stderr.split("\n");
  const words = ["run", "--frozen", "--no-prompt", ...allow, `${ROOT}main.ts`, command, ...printed];
  assertEquals(error, `asyncpkt ${command}: no permission to ${actions}run:`);
  assertEquals(commandLine, `${DENO} ${words.map(shellQuote).join(" ")}`);
  assertEquals([exit, stdout, stderr], [code, [], `${error}\n${commandLine}\n`]);

  await using pasted = startPasted(commandLine!.replace("PASSWORD", "s3cret"));
  const ended = pasted.result(2 * PATIENCE);
  const said = await Promise.race([pasted.stdout.next(), ended.then(({ stderr }) => stderr)]);
  assertMatch(said, /^(?:Listening on wss?|Working for nats):/);
  pasted.kill("SIGTERM");
  const result = await ended;
  assertEquals([result.code, result.stderr], [0, ""]);
}

function serve(...args: string[]): Pick<Refused, "command" | "args"> {
  return { command: "serve", args: ["--port", "0", ...args] };
}

Deno.test("a command without a permission prints a command line that has it, and works", async () => {
  const folder = await Deno.makeTempDir({ prefix: "it's a " });
  await Deno.mkdir(`${folder}/a,b`);
  const [token, recording] = [`${folder}/token`, `${folder}/recording $HOME.ndjson`];
  await Deno.writeTextFile(token, "s3cret\n");
  await Deno.writeTextFile(`${folder}/a,b/token`, "s3cret\n");
  const { cert, key } = await makeCertificate(`${folder}/server`);
  const net = "--allow-net=127.0.0.1:0";
  const refused: Refused[] = [
    {
      ...serve("--hostname", "0.0.0.0"),
      code: 3,
      actions: "listen on 0.0.0.0:0; ",
      allow: ["--allow-net=0.0.0.0:0", TOKEN],
    },
    {
      ...serve("--token-file", token),
      code: 2,
      actions: `read ${token}; `,
      allow: [net, `--allow-read=${token}`, TERM],
    },
    {
      ...serve("--token-file", `${folder}/a,b/token`),
      code: 2,
      actions: `read ${folder}/a,b/token; `,
      allow: [net, `--allow-read=${folder}/`, TERM],
    },
    {
      ...serve("--record", recording),
      code: 2,
      actions: `write ${recording}; use --record - > ${shellQuote(recording)}, or `,
      allow: [net, `--allow-write=${recording}`, TOKEN],
    },
    {
      ...serve("--cert", cert, "--key", key),
      code: 2,
      actions: `read ${cert} and read ${key}; `,
      allow: [net, `--allow-read=${cert},${key}`, TOKEN],
    },
    {
      ...serve("--hostname=0.0.0.0", "--cert", cert, "--key", key, "--token-file", token),
      code: 3,
      actions: `listen on 0.0.0.0:0, read ${token}, read ${cert}, and read ${key}; `,
      allow: ["--allow-net=0.0.0.0:0", `--allow-read=${token},${cert},${key}`, TERM],
    },
  ];
  if (Deno.build.os === "linux") {
    refused.push({
      ...serve("--workers", "2"),
      code: 2,
      actions: "load its --workers; ",
      allow: ["--allow-net=127.0.0.1", `--allow-read=${ROOT}`, TOKEN],
    });
  }
  try {
    await Promise.all(refused.map(checkRefusal));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const noNats = await whyNoNatsServer();

Deno.test({
  name: `serve and work print a command line that may use NATS, and no password${
    noNats ? ` (ignored: ${noNats})` : ""
  }`,
  ignore: noNats !== undefined,
  async fn() {
    await using nats = await startNatsServer('authorization { user: "me", password: "s3cret" }');
    const host = `127.0.0.1:${nats.port}`;
    const [args, printed] = ["s3cret", "PASSWORD"].map((password) => [
      "--nats",
      `nats://me:${password}@${host}`,
    ]) as [string[], string[]];
    await checkRefusal({
      ...serve(...args),
      permissions: ["--allow-net=127.0.0.1:0"],
      printed: ["--port", "0", ...printed],
      code: 3,
      actions: `connect to ${host}; `,
      allow: [`--allow-net=127.0.0.1:0,${host}`, TOKEN],
    });
    await checkRefusal({
      command: "work",
      args,
      permissions: [],
      printed,
      code: 3,
      actions: `connect to ${host}; `,
      allow: [`--allow-net=${host}`, TERM],
    });
  },
});

Deno.test("serve, send, bench and demo print a command line that works, whatever flags Deno has", async () => {
  const { execPath } = Deno;
  const run = async (...args: string[]) => {
    await using program = startProgram(execPath(), ["run", "--no-prompt", "main.ts", ...args]);
    const { code, stderr } = await program.result();
    return [code, ...stderr.replace(`${ROOT}main.ts`, "main.ts").split("\n").slice(0, -1)];
  };
  const start = `${DENO} run --frozen --no-prompt`;
  const cases: [args: string[], code: number, actions: string, command: string][] = [
    [
      ["serve", "--hostname", "::1"],
      3,
      "serve: no permission to listen on [::1]:2707",
      `${start} '--allow-net=[::1]:2707' ${TOKEN} main.ts serve --hostname ::1`,
    ],
    [
      ["send", "a&&b&&it's"],
      3,
      "send: no permission to connect to localhost:2707",
      `${start} --allow-net=localhost:2707 ${TOKEN} main.ts send 'a&&b&&it'\\''s'`,
    ],
    [
      ["send", "--url", "wss://127.0.0.1", "--file", "README.md", "--ca", "\x1b.pem"],
      3,
      "send: no permission to connect to 127.0.0.1:443, read \\u001b.pem, and read README.md",
      `${start} --allow-net=127.0.0.1:443 $'--allow-read=\\033.pem,README.md' ${TOKEN} ` +
      `main.ts send --url wss://127.0.0.1 --file README.md --ca $'\\033.pem'`,
    ],
    [
      ["bench", "--url", "ws://[::1]:9", "--token-file", "token"],
      3,
      "bench: no permission to connect to [::1]:9 and read token",
      `${start} '--allow-net=[::1]:9' --allow-read=token ${TERM} ` +
      "main.ts bench --url 'ws://[::1]:9' --token-file token",
    ],
    [
      ["demo"],
      3,
      "demo: no permission to listen on 127.0.0.1",
      `${start} --allow-net=127.0.0.1 ${TERM} main.ts demo`,
    ],
  ];
  await Promise.all(cases.map(async ([args, code, problem, command]) => {
    assertEquals(await run(...args), [code, `asyncpkt ${problem}; run:`, command]);
  }));
  const wrong = await run("send", "--url", "ws://a..b:1", "x");
  assertEquals(wrong.length, 2);
  assertMatch(`${wrong[1]}`, /^asyncpkt send: cannot connect to a\.\.b:1: invalid host/);
});
