import { Argument, Command } from "commander";
import { print } from "./output.ts";
import { examples } from "./program.ts";

type Shell = "bash" | "zsh" | "fish";

export const completion = examples(
  new Command("completion")
    .description("Print a script that completes commands and options in your shell")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"])),
  [
    'eval "$(skykv completion bash)"                                # in ~/.bashrc',
    'eval "$(skykv completion zsh)"                                 # in ~/.zshrc, after compinit',
    "skykv completion fish > ~/.config/fish/completions/skykv.fish",
  ],
).action(async (shell: Shell, _, command: Command) => {
  const words = wordsOf(command.parent!, "");
  await print({ bash, zsh, fish }[shell](words));
});

/** What can follow the commands typed so far: `""` is none, `keys create` two. */
type Words = Map<string, { readonly word: string; readonly help: string }[]>;

function wordsOf(command: Command, path: string, words: Words = new Map()): Words {
  const commands = command.commands.map((child) => ({ word: child.name(), help: child.description() }));
  const options = command.options.map((option) => ({ word: option.long ?? option.short!, help: option.description }));
  words.set(path, [...commands, ...options]);
  for (const child of command.commands) wordsOf(child, path === "" ? child.name() : `${path} ${child.name()}`, words);
  return words;
}

function cases(words: Words, line: (found: string) => string): string {
  return Array.from(words, ([path, following]) => {
    const all = [...following, ...(path === "" ? [] : words.get("")!.filter(({ word }) => word.startsWith("-")))];
    return `    ${JSON.stringify(path)}) ${line(all.map(({ word }) => word).join(" "))} ;;`;
  }).join("\n");
}

/** Shell code that gathers the commands of a line into `path`; options and what is no command are passed over. */
const pathLoop = (list: string) => `  for word in ${list}; do
    case " $known " in *" \${path:+$path/}$word "*) path="\${path:+$path/}$word" ;; esac
  done
  path="\${path//\\// }"`;

const known = (words: Words) =>
  [...words.keys()]
    .filter((path) => path !== "")
    .map((path) => path.replaceAll(" ", "/"))
    .join(" ");

function bash(words: Words): string {
  return `_skykv() {
  local path="" word words known="${known(words)}"
${pathLoop(`"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`)}
  case "$path" in
${cases(words, (found) => `words="${found}"`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _skykv skykv
`;
}

function zsh(words: Words): string {
  return `#compdef skykv
_skykv() {
  local path_="" word known="${known(words)}"
${pathLoop(`"\${(@)words[2,CURRENT-1]}"`).replaceAll("path", "path_")}
  case "$path_" in
${cases(words, (found) => `compadd -- ${found}`)}
  esac
  _files
}
compdef _skykv skykv
`;
}

function fish(words: Words): string {
  const lines = ["complete -c skykv -f -n __fish_use_subcommand"];
  for (const [path, following] of words) {
    const steps = path.split(" ").filter((step) => step !== "");
    const seen = steps.map((step) => `__fish_seen_subcommand_from ${step}`).join("; and ");
    for (const { word, help } of following) {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      const when = word.startsWith("--") ? seen : steps.length === 0 ? "__fish_use_subcommand" : seen;
      lines.push(`complete -c skykv${when ? ` -n ${quoted(when)}` : ""} ${what} -d ${quoted(help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
