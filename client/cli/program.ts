import type { Command } from "commander";

/** Adds examples to a command's help. */
export function examples<C extends Command>(command: C, lines: readonly string[]): C {
  command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`);
  return command;
}
