/**
 * A real NATS server with JetStream.
 *
 * @module
 */

import { until } from "./waiting.ts";

/** A running NATS server. */
export interface NatsServer extends AsyncDisposable {
  /** Such as `nats://127.0.0.1:4222`. */
  readonly url: string;
  readonly port: number;
  /** Kills the server and deletes its files, without waiting, when the process ends. */
  killNow(): void;
  /** Kills the server with SIGKILL. */
  kill(): Promise<void>;
  /** Starts the server again, on the same port and with its stored data. */
  restart(): Promise<void>;
}

/** Returns why there is no nats-server here; undefined if there is one. */
export async function whyNoNatsServer(): Promise<string | undefined> {
  try {
    await new Deno.Command("nats-server", { args: ["--version"] }).output();
    return undefined;
  } catch {
    return "nats-server is not installed";
  }
}

/**
 * Starts a server on a free port, with its own store.
 *
 * @param config lines for its configuration file.
 */
export async function startNatsServer(config = "", hasJetStream = true): Promise<NatsServer> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt_nats" });
  const file = `${folder}/server.conf`;
  const store = hasJetStream ? `jetstream { store_dir: "${folder}" }` : "";
  await Deno.writeTextFile(file, `ports_file_dir: "${folder}"\n${store}\n${config}\n`);
  let { child, port } = await start(file, folder);
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    async kill() {
      child.kill("SIGKILL");
      await child.status;
    },
    async restart() {
      ({ child, port } = await start(file, folder, port));
    },
    killNow() {
      child.kill("SIGKILL");
      Deno.removeSync(folder, { recursive: true });
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It was killed already.
      }
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function start(
  file: string,
  folder: string,
  port = -1,
): Promise<{ child: Deno.ChildProcess; port: number }> {
  const child = new Deno.Command("nats-server", {
    args: ["--config", file, "--addr", "127.0.0.1", "--port", `${port}`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const ports = `${folder}/nats-server_${child.pid}.ports`;
  let text: string | undefined;
  await until("nats-server listens", () => {
    try {
      text = Deno.readTextFileSync(ports);
    } catch {
      // Not yet.
    }
    return text?.endsWith("}") ?? false;
  });
  return { child, port: Number(/:(\d+)"/.exec(text!)![1]) };
}
