/**
 * `asyncpkt completions`: scripts that make shells complete commands, flags and their values.
 *
 * @module
 */

import { type Command, type Commands, Exit, type Flag, UsageError } from "./command.ts";
import { flagHelp, HELP_FLAG, oneOf, readFlags, unexpected } from "./flags.ts";

/** A command that a shell can complete, with what it needs to know of each flag. */
type Completable = Awaited<ReturnType<typeof describe>>;

/** Makers of scripts by the name of the shell. */
const SCRIPTS: Record<string, (commands: Completable[]) => string> = { bash, zsh, fish };

const SHELLS = Object.keys(SCRIPTS);

const help = () =>
  `Writes a script that makes a shell complete commands, flags and their values.

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
        throw new UsageError(unexpected(oneOf(SHELLS), given.join(" ")).message);
      }
      const all = Object.entries(commands).map(([name, command]) => describe(name, ...command));
      stdout.write(SCRIPTS[given[0]!]!(await Promise.all(all)));
      return Exit.ok;
    },
  };
}

async function describe(name: string, about: string, load: () => Promise<Command>) {
  const { flags, words = [] } = await load();
  return {
    name,
    about,
    words,
    flags: Object.entries({ ...flags, help: HELP_FLAG }).map(describeFlag),
  };
}

function describeFlag([name, { short, help, placeholder, many }]: [string, Flag<unknown>]) {
  const forms = [...short === undefined ? [] : [`-${short}`], `--${name}`];
  return { name, short, forms, help, placeholder, many, values: valuesOf(placeholder) };
}

/** Returns the possible values: none if a shell cannot know them, undefined if the flag takes none. */
function valuesOf(placeholder: string | undefined): "file" | string[] | undefined {
  if (placeholder === "PATH" || placeholder === "FILE") return "file";
  if (placeholder === undefined) return undefined;
  return placeholder.includes("|") ? placeholder.split("|") : [];
}

function bash(commands: Completable[]): string {
  const files =
    "local IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames 2>/dev/null";
  const complete = (words: readonly string[]) =>
    `COMPREPLY=($(compgen -W '${words.join(" ")}' -- "$word"))`;
  const cases = commands.map(({ name, flags, words }) => {
    const values = flags.filter(({ values }) => values !== undefined).map(({ forms, values }) =>
      `        ${forms.join("|")}) ${values === "file" ? files : complete(values!)}; return ;;`
    );
    const all = [...words, ...flags.flatMap(({ forms }) => forms)];
    return [
      `    ${name})`,
      ...values.length > 0 ? ['      case "$previous" in', ...values, "      esac"] : [],
      `      ${complete(all)} ;;`,
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

function zsh(commands: Completable[]): string {
  const escape = (text: string) => text.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
  const specOf = ({ forms, help, placeholder = "", many, values }: Completable["flags"][0]) => {
    const action = values === "file" ? "_files" : values?.length ? `(${values.join(" ")})` : " ";
    const value = values === undefined ? "" : `:${escape(placeholder)}:${action}`;
    const excludes = many ? "*" : `(${forms.join(" ")})`;
    return forms.map((form) => `'${excludes}${form}[${escape(help)}]${value}'`).join(" ");
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

function fish(commands: Completable[]): string {
  const quote = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const lines = commands.flatMap(({ name, about, flags, words }) => {
    const within = `complete -c asyncpkt -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c asyncpkt -n __fish_use_subcommand -a ${name} -d ${quote(about)}`,
      ...flags.map(({ name, short, help, values }) => {
        const options = short === undefined ? `-l ${name}` : `-s ${short} -l ${name}`;
        const value = values === "file" ? " -r -F" : values && ` -x -a ${quote(values.join(" "))}`;
        return `${within} ${options}${value ?? ""} -d ${quote(help)}`;
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
