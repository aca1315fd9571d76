import { styleText } from "node:util";

/** Puts colour on a text, or leaves it as it is. */
export type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

export const plainStyle: Style = (_, text) => text;

/** Colours for a terminal that shows them; none into files and pipes, nor where NO_COLOR is set. */
export const terminalStyle: Style = (format, text) => styleText(format, text, { stream: process.stdout });
