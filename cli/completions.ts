/**
 * `asyncpkt completions`: scripts that make shells complete commands and flags.
 *
 * @module
 */

import type { Command, Commands } from "./command.ts";
import { Exit, UsageError } from "./exit.ts";
import type { Flag, FlagTable } from "./flags.ts";

/** What is there to be completed: each command with what it does, and its flags. */
export type Completable = readonly {
  readonly name: string;
  readonly about: string;
  readonly flags: FlagTable;
}[];

/** The scripts, by the name of their shell. */
const SCRIPTS: Readonly<Record<string, (commands: Completable) => string>> = { bash, zsh, fish };

const SHELLS = Object.keys(SCRIPTS);

const help = `Writes a script that makes a shell complete commands, flags and their values.

Usage: asyncpkt completions ${SHELLS.join("|")}

Examples:
  source <(asyncpkt completions bash)                     # in ~/.bashrc
  source <(asyncpkt completions zsh)                      # in ~/.zshrc, after compinit
  asyncpkt completions fish > ~/.config/fish/completions/asyncpkt.fish
`;

/** The command, which knows all of them. */
export function completions(commands: Commands): Command {
  return {
    help,
    flags: {},
    async run([shell, ...more], { stdout }) {
      const script = SHELLS.includes(shell ?? "") ? SCRIPTS[shell!]! : undefined;
      if (script === undefined || more.length > 0) {
        const given = [shell, ...more].filter((arg) => arg !== undefined).join(" ");
        throw new UsageError(`want ${SHELLS.join(" or ")}, got ${JSON.stringify(given)}`);
      }
      const names = Object.keys(commands);
      stdout.write(script(
        await Promise.all(names.map(async (name) => {
          const { about, load } = commands[name]!;
          // This one has no flags, but words.
          const flags = name === "completions" ? {} : (await load()).flags;
          return { name, about, flags };
        })),
      ));
      return Exit.ok;
    },
  };
}

/** What can follow a flag: nothing, some words, a file, or what nobody knows. */
function valuesOf({ placeholder }: Flag<unknown>): "none" | "file" | "any" | readonly string[] {
  if (placeholder === undefined) return "none";
  if (placeholder === "PATH" || placeholder === "FILE") return "file";
  return placeholder.includes("|") ? placeholder.split("|") : "any";
}

/** Its names as they are typed. */
function namesOf(name: string, { short }: Flag<unknown>): string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

function bash(commands: Completable): string {
  const cases = commands.map(({ name, flags }) => {
    const values = Object.entries(flags).flatMap(([flag, each]) => {
      const values = valuesOf(each);
      if (values === "none") return [];
      const words = values === "file"
        ? "local IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames 2>/dev/null; "
        : values === "any"
        ? ""
        : `COMPREPLY=($(compgen -W '${values.join(" ")}' -- "$word")); `;
      return [`        ${namesOf(flag, each).join("|")}) ${words}return ;;`];
    });
    const words = name === "completions"
      ? SHELLS
      : [...Object.entries(flags).flatMap(([flag, each]) => namesOf(flag, each)), "--help"];
    return [
      `    ${name})`,
      ...values.length > 0 ? ['      case "$previous" in', ...values, "      esac"] : [],
      `      words='${words.join(" ")}' ;;`,
    ].join("\n");
  });
  return `# Makes bash complete asyncpkt: source <(asyncpkt completions bash)
_asyncpkt() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  # "=" is a word of its own: --flag=value is --flag, = and value.
  if [[ $word == = ]]; then word=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${
    commands.map(({ name }) => name).join(" ")
  } --help --version' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _asyncpkt asyncpkt
`;
}

function zsh(commands: Completable): string {
  const describe = (text: string) => text.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
  const cases = commands.map(({ name, flags }) => {
    const specs = Object.entries(flags).map(([flag, each]) => {
      const names = namesOf(flag, each);
      const values = valuesOf(each);
      const action = values === "none"
        ? ""
        : `:${describe(each.placeholder!)}:${
          values === "file" ? "_files" : values === "any" ? " " : `(${values.join(" ")})`
        }`;
      const many = each.many ? "*" : `(${names.join(" ")})`;
      const said = `[${describe(each.help)}]${action}'`;
      return names.length === 1 || each.many
        ? names.map((one) => `'${many}${one}${said}`).join(" ")
        : `'${many}'{${names.join(",")}}'${said}`;
    });
    const words = name === "completions" ? [`'1:shell:(${SHELLS.join(" ")})'`] : [];
    const all = [...specs, "'--help[says more]'", ...words];
    return `    ${name}) _arguments -s \\\n      ${all.join(" \\\n      ")} ;;`;
  });
  return `#compdef asyncpkt
# Makes zsh complete asyncpkt: source <(asyncpkt completions zsh)
_asyncpkt() {
  local -a commands=(
${commands.map(({ name, about }) => `    '${name}:${describe(about)}'`).join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    _arguments '--help[says more]' '--version[says which version it is]'
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _asyncpkt ]]; then _asyncpkt "$@"; else compdef _asyncpkt asyncpkt; fi
`;
}

function fish(commands: Completable): string {
  const quote = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = commands.flatMap(({ name, about, flags }) => {
    const within = `complete -c asyncpkt -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c asyncpkt -n __fish_use_subcommand -a ${name} -d ${quote(about)}`,
      ...Object.entries(flags).map(([flag, each]) => {
        const values = valuesOf(each);
        const short = each.short === undefined ? "" : ` -s ${each.short}`;
        const takes = values === "none"
          ? ""
          : values === "file"
          ? " -r -F"
          : values === "any"
          ? " -x"
          : ` -x -a ${quote(values.join(" "))}`;
        return `${within} -l ${flag}${short}${takes} -d ${quote(each.help)}`;
      }),
      ...name === "completions" ? [`${within} -a ${quote(SHELLS.join(" "))}`] : [],
    ];
  });
  return `# Makes fish complete asyncpkt: asyncpkt completions fish | source
complete -c asyncpkt -f
complete -c asyncpkt -l help -d 'says more'
complete -c asyncpkt -n __fish_use_subcommand -l version -d 'says which version it is'
${lines.join("\n")}
`;
}
