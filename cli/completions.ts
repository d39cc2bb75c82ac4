/**
 * `asyncpkt completions`: scripts that make shells complete commands, flags and their values.
 *
 * @module
 */

import type { Command, Commands } from "./command.ts";
import { Exit, UsageError } from "./exit.ts";
import { type Flag, flagHelp, HELP_FLAG, readFlags, unexpected } from "./flags.ts";

/** What a shell can complete: a command, its flags, and the words that its first argument can be. */
interface Completable {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly [name: string, Flag<unknown>][];
  readonly words: readonly string[];
}

/** Makers of scripts by the name of the shell. */
const SCRIPTS: Readonly<Record<string, (commands: readonly Completable[]) => string>> = {
  bash,
  zsh,
  fish,
};

const SHELLS = Object.keys(SCRIPTS);

const help = `Writes a script that makes a shell complete commands, flags and their values.

Usage: asyncpkt completions ${SHELLS.join("|")}

${flagHelp({})}

Examples:
  source <(asyncpkt completions bash)                     # in ~/.bashrc
  source <(asyncpkt completions zsh)                      # in ~/.zshrc, after compinit
  asyncpkt completions fish > ~/.config/fish/completions/asyncpkt.fish
`;

/** Returns the command, which completes all `commands`. */
export function completions(commands: Commands): Command {
  return {
    help,
    flags: {},
    words: SHELLS,
    async run(args, { stdout }) {
      const { _: given } = readFlags({}, args, "words");
      if (given.length !== 1 || !SHELLS.includes(given[0]!)) {
        throw new UsageError(unexpected(SHELLS.join(" or "), given.join(" ")).message);
      }
      const all = Object.entries(commands).map(async ([name, { about, load }]) => {
        const { flags, words = [] } = await load();
        return { name, about, words, flags: Object.entries({ ...flags, help: HELP_FLAG }) };
      });
      stdout.write(SCRIPTS[given[0]!]!(await Promise.all(all)));
      return Exit.ok;
    },
  };
}

/** Returns the possible values of a flag: words, "file", "any", or undefined if it takes none. */
function valuesOf({ placeholder }: Flag<unknown>): undefined | "file" | "any" | readonly string[] {
  if (placeholder === undefined) return undefined;
  if (placeholder === "PATH" || placeholder === "FILE") return "file";
  return placeholder.includes("|") ? placeholder.split("|") : "any";
}

/** Returns the forms of a flag, such as `-c` and `--connections`. */
function formsOf([name, { short }]: [string, Flag<unknown>]): string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

function bash(commands: readonly Completable[]): string {
  const complete = (words: readonly string[]) =>
    `COMPREPLY=($(compgen -W '${words.join(" ")}' -- "$word"))`;
  const cases = commands.map(({ name, flags, words }) => {
    const values = flags.flatMap((flag) => {
      const values = valuesOf(flag[1]);
      if (values === undefined) return [];
      const action = values === "file"
        ? "local IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames 2>/dev/null; "
        : values === "any"
        ? ""
        : `${complete(values)}; `;
      return [`        ${formsOf(flag).join("|")}) ${action}return ;;`];
    });
    return [
      `    ${name})`,
      ...values.length > 0 ? ['      case "$previous" in', ...values, "      esac"] : [],
      `      ${complete([...words, ...flags.flatMap(formsOf)])} ;;`,
    ].join("\n");
  });
  const first = [...commands.map(({ name }) => name), "--help", "--version"];
  return `# Makes bash complete asyncpkt: source <(asyncpkt completions bash)
_asyncpkt() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  # "=" is a word of its own: --flag=value is --flag, = and value.
  if [[ $word == = ]]; then word=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    ${complete(first)}
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
}
complete -F _asyncpkt asyncpkt
`;
}

function zsh(commands: readonly Completable[]): string {
  const escape = (text: string) => text.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
  const specOf = (flag: [string, Flag<unknown>]) => {
    const forms = formsOf(flag);
    const { help, placeholder, many } = flag[1];
    const values = valuesOf(flag[1]);
    const action = values === undefined
      ? ""
      : `:${escape(placeholder!)}:${
        values === "file" ? "_files" : values === "any" ? " " : `(${values.join(" ")})`
      }`;
    const excludes = many ? "*" : `(${forms.join(" ")})`;
    return forms.map((form) => `'${excludes}${form}[${escape(help)}]${action}'`).join(" ");
  };
  const cases = commands.map(({ name, flags, words }) => {
    const first = words.length === 0 ? [] : [`'1:word:(${words.join(" ")})'`];
    return `    ${name}) _arguments -s ${[...flags.map(specOf), ...first].join(" \\\n      ")} ;;`;
  });
  return `#compdef asyncpkt
# Makes zsh complete asyncpkt: source <(asyncpkt completions zsh)
_asyncpkt() {
  local -a commands=(
${commands.map(({ name, about }) => `    '${name}:${escape(about)}'`).join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    _arguments '--help[shows the help]' '--version[shows the version]'
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

function fish(commands: readonly Completable[]): string {
  const quote = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = commands.flatMap(({ name, about, flags, words }) => {
    const within = `complete -c asyncpkt -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c asyncpkt -n __fish_use_subcommand -a ${name} -d ${quote(about)}`,
      ...flags.map(([name, flag]) => {
        const { short, help } = flag;
        const values = valuesOf(flag);
        const letter = short === undefined ? "" : ` -s ${short}`;
        const takes = values === undefined
          ? ""
          : values === "file"
          ? " -r -F"
          : values === "any"
          ? " -x"
          : ` -x -a ${quote(values.join(" "))}`;
        return `${within} -l ${name}${letter}${takes} -d ${quote(help)}`;
      }),
      ...words.length === 0 ? [] : [`${within} -a ${quote(words.join(" "))}`],
    ];
  });
  return `# Makes fish complete asyncpkt: asyncpkt completions fish | source
complete -c asyncpkt -f
complete -c asyncpkt -n __fish_use_subcommand -l help -s h -d 'shows the help'
complete -c asyncpkt -n __fish_use_subcommand -l version -d 'shows the version'
${lines.join("\n")}
`;
}
