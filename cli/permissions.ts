/**
 * Permissions of Deno: each command checks what it needs before it starts, and prints a command line that
 * grants all of it.
 *
 * @module
 */

import { CommandError, Exit } from "./exit.ts";
import { shellQuote } from "./shell_quote.ts";

/** Something that a command does only with a permission. */
export interface Need {
  /** What it does, such as `read cert.pem`. */
  readonly action: string;
  readonly permission:
    | Deno.NetPermissionDescriptor
    | Deno.ReadPermissionDescriptor
    | Deno.WritePermissionDescriptor
    | Deno.EnvPermissionDescriptor;
  /** What the user can do without the permission, such as `use --record - > FILE`. */
  readonly instead?: string;
}

/** Each command looks at the type of its terminal, but also runs without it. */
const TERM: Need = { action: "read TERM", permission: { name: "env", variable: "TERM" } };

/** Returns the need to listen on a host, such as `127.0.0.1:2707` or `[::1]`. */
export function toListen(host: string): Need {
  return { action: `listen on ${host}`, permission: { name: "net", host } };
}

/** Returns the needs to connect to hosts, such as `127.0.0.1:2707`. */
export function toConnect(...hosts: string[]): Need[] {
  return hosts.map((host) => ({ action: `connect to ${host}`, permission: { name: "net", host } }));
}

/** Returns the needs to read files; there is none for `undefined`. */
export function toRead(...paths: (string | undefined)[]): Need[] {
  return paths.filter((path) => path !== undefined).map((path) => ({
    action: `read ${path}`,
    permission: { name: "read", path },
  }));
}

/**
 * Files that a command line to paste cannot grant: pipes such as `/dev/fd/63` are gone by then, and Deno
 * grants some others with `--allow-all` only. Its error says so when the file is opened.
 */
const SPECIAL = /^\/(?:dev|proc|sys)\/(?!null$)/;

/**
 * Checks that Deno grants what a command needs. Where Deno can ask, it asks the user first. Needs of
 * environment variables are not checked, since programs run without them; they are only printed.
 *
 * @throws {CommandError} with a command line that grants it all, if something is missing; and if Deno
 * cannot grant something, such as a host name that is none.
 */
export async function requirePermissions(
  command: string,
  args: readonly string[],
  needs: readonly Need[],
): Promise<void> {
  const missing: Need[] = [];
  for (const need of needs) {
    if (!await isGranted(need)) missing.push(need);
  }
  if (missing.length === 0) return;
  const exit = Math.max(...missing.map(exitOf));
  const actions = new Intl.ListFormat("en").format(missing.map(({ action }) => action));
  const instead = missing.flatMap(({ instead }) =>
    instead === undefined ? [] : [`${instead}, or `]
  );
  const problem = `no permission to ${actions}; ${instead.join("")}`;
  if (Deno.build.standalone) {
    const flags = allowFlags(missing).map(shellQuote).join(" ");
    throw new CommandError(exit, `${problem}compile asyncpkt with ${flags}`);
  }
  throw new CommandError(exit, `${problem}run:`, commandLine([command, ...args], needs));
}

async function isGranted(need: Need): Promise<boolean> {
  const { action, permission } = need;
  if (permission.name === "env") return true;
  if ("path" in permission && SPECIAL.test(`${permission.path}`)) return true;
  try {
    return (await Deno.permissions.request(permission)).state === "granted";
  } catch (error) {
    // Such as a host that cannot be one.
    throw new CommandError(exitOf(need), `cannot ${action}: ${(error as Error).message}`);
  }
}

function exitOf({ permission }: Need): number {
  return permission.name === "net" ? Exit.noConnection : Exit.usage;
}

/** Returns a command line that runs the program from its source with what it needs, and no more. */
function commandLine(args: readonly string[], needs: readonly Need[]): string {
  const words = [
    ...denoCommand(),
    ...["run", "--frozen", "--no-prompt"],
    ...allowFlags([...needs, TERM]),
    pathOf(new URL("../main.ts", import.meta.url)),
    ...args.map(hidePassword),
  ];
  return words.map(shellQuote).join(" ");
}

/** Returns how the user starts the Deno that runs this. */
function denoCommand(): string[] {
  const path = Deno.execPath();
  if (/[\\/]node_modules[\\/]/.test(path)) return ["npx", "-y", `deno@${Deno.version.deno}`];
  return [/[\\/]deno(?:\.exe)?$/.test(path) ? "deno" : path];
}

function allowFlags(needs: readonly Need[]): string[] {
  return (["net", "read", "write", "env"] as const).flatMap((name) => {
    const values = needs.flatMap(({ permission }) =>
      permission.name === name ? [valueOf(permission)] : []
    );
    return values.length === 0 ? [] : [`--allow-${name}=${[...new Set(values)].join(",")}`];
  });
}

function valueOf(permission: Need["permission"]): string {
  if (permission.name === "net") return permission.host!;
  if (permission.name === "env") return permission.variable!;
  // Deno splits its lists at commas, and none can be escaped: grant the folder of such a file instead.
  return `${permission.path}`.replace(/[^/]*,.*/s, "") || ".";
}

/** Returns the path of a file, as far as the URL is that of a file. */
function pathOf(url: URL): string {
  if (url.protocol !== "file:") return url.href;
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

/** Hides the password or token in an argument that is a URL of NATS, since output may end up in logs. */
function hidePassword(arg: string): string {
  return arg.replace(/^((?:--nats=)?(?:nats|tls):\/\/(?:[^/:]*:)?)[^/]*@/, "$1PASSWORD@");
}
