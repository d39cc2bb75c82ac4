/**
 * Permissions of Deno: each command checks what it needs before it starts, and prints a command line that
 * grants all of it.
 *
 * @module
 */

import { CommandError, Exit } from "./command.ts";
import { escapeControls } from "./terminal/escape.ts";

/** An action of a command that needs a permission. */
export interface Need {
  /** Such as `read cert.pem`. */
  readonly action: string;
  readonly permission:
    | Deno.NetPermissionDescriptor
    | Deno.ReadPermissionDescriptor
    | Deno.WritePermissionDescriptor
    | Deno.EnvPermissionDescriptor;
  /** What the user can do without the permission, such as `use --record - > FILE`. */
  readonly instead?: string;
}

const MAIN = new URL("../main.ts", import.meta.url);

/** All commands look at the type of the terminal, but also run without it. */
const TERM: Need = { action: "read TERM", permission: { name: "env", variable: "TERM" } };

/**
 * Files that no command line to paste can grant: pipes such as `/dev/fd/63` are gone by then, and Deno
 * grants some others with `--allow-all` only. Opening such a file reports that.
 */
const SPECIAL = /^\/(?:dev|proc|sys)\/(?!null$)/;

/** Returns the need to listen on a host, such as `127.0.0.1:2707` or `[::1]`. */
export function toListen(host: string): Need {
  return { action: `listen on ${host}`, permission: { name: "net", host } };
}

/** Returns the needs to connect to hosts, such as `127.0.0.1:2707`. */
export function toConnect(...hosts: string[]): Need[] {
  return hosts.map((host) => ({ action: `connect to ${host}`, permission: { name: "net", host } }));
}

/** Returns the needs to read files; none for `undefined`. */
export function toRead(...paths: (string | undefined)[]): Need[] {
  return paths.filter((path) => path !== undefined)
    .map((path) => ({ action: `read ${path}`, permission: { name: "read", path } }));
}

/**
 * Checks that Deno grants all needs, and lets Deno ask the user where it can. Programs run without
 * environment variables, so needs of those are only printed.
 *
 * @throws {CommandError} with a command line that grants all needs, if one is missing; also if Deno cannot
 * grant one, such as for an invalid host name.
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
  const ways = [...missing.flatMap(({ instead = [] }) => instead), ""].join(", or ");
  const problem = `no permission to ${actions}; ${ways}`;
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
    throw new CommandError(exitOf(need), `cannot ${action}: ${(error as Error).message}`);
  }
}

function exitOf({ permission }: Need): number {
  return permission.name === "net" ? Exit.noConnection : Exit.usage;
}

/** Returns what Deno runs as the program: the path of a file, or the name of the package on JSR. */
export function programName(): string {
  const { protocol, pathname } = MAIN;
  const path = decodeURIComponent(pathname);
  if (protocol === "file:") return path.slice(Deno.build.os === "windows" ? 1 : 0);
  return path.replace(/^\/(@[^/]+\/[^/]+)\/([^/]+)\/.*/, "jsr:$1@$2/cli");
}

/** Returns a command line that runs the program from its source with these needs, and no more. */
function commandLine(args: readonly string[], needs: readonly Need[]): string {
  const program = programName();
  const words = [
    ...denoCommand(),
    ...["run", ...program.startsWith("jsr:") ? [] : ["--frozen"], "--no-prompt"],
    ...allowFlags([...needs, TERM]),
    program,
    ...args.map(hidePassword),
  ];
  return words.map(shellQuote).join(" ");
}

/** Returns the words with which the user starts this Deno. */
function denoCommand(): string[] {
  const path = Deno.execPath();
  if (/[\\/]node_modules[\\/]/.test(path)) return ["npx", "-y", `deno@${Deno.version.deno}`];
  return [/[\\/]deno(?:\.exe)?$/.test(path) ? "deno" : path];
}

function allowFlags(needs: readonly Need[]): string[] {
  return (["net", "read", "write", "env"] as const).flatMap((name) => {
    const values = needs.filter(({ permission }) => permission.name === name).map(valueOf);
    return values.length === 0 ? [] : [`--allow-${name}=${[...new Set(values)].join(",")}`];
  });
}

function valueOf({ permission }: Need): string {
  if (permission.name === "net") return permission.host!;
  if (permission.name === "env") return permission.variable!;
  // Deno splits lists at commas, which it cannot escape: grant the folder of a file with a comma.
  return `${permission.path}`.replace(/[^/]*,.*/s, "") || ".";
}

/** Hides the password or token in a URL of NATS, since output may end up in logs. */
function hidePassword(arg: string): string {
  return arg.replace(/^((?:--nats=)?(?:nats|tls):\/\/(?:[^/:]*:)?)[^/]*@/, "$1PASSWORD@");
}

/**
 * Quotes a word for bash, zsh and other POSIX shells if it needs quotes. The result is safe to print,
 * since control characters become octal escapes in the quotes `$'…'`.
 */
export function shellQuote(word: string): string {
  if (/^[\w%+,./:@-][\w%+,./:=@-]*$/.test(word)) return word;
  if (escapeControls(word) === word) return `'${word.replaceAll("'", `'\\''`)}'`;
  return `$'${Array.from(word, escapeOne).join("")}'`;
}

function escapeOne(char: string): string {
  if (char === "'" || char === "\\") return `\\${char}`;
  if (escapeControls(char) === char) return char;
  const bytes = new TextEncoder().encode(char);
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
