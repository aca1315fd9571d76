/**
 * JSON laid out for reading, token by token: `JSON.parse` and back would round large numbers, drop repeated names and
 * reorder digits, and this page shows what is stored.
 */
import { type Child, el } from "./dom.ts";

const tokenPattern = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The same tokens, one member a line. `text` must be JSON. */
export function formatJson(text: string): string {
  const tokens = text.match(tokenPattern) ?? [];
  const pieces: string[] = [];
  let depth = 0;
  const line = () => pieces.push(`\n${"  ".repeat(depth)}`);
  tokens.forEach((token, i) => {
    if (token === "{" || token === "[") {
      pieces.push(token);
      depth += 1;
      if (tokens[i + 1] !== "}" && tokens[i + 1] !== "]") line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      if (tokens[i - 1] !== "{" && tokens[i - 1] !== "[") line();
      pieces.push(token);
    } else if (token === ",") {
      pieces.push(token);
      line();
    } else pieces.push(token === ":" ? ": " : token);
  });
  return pieces.join("");
}

/** Formatted JSON with its names, strings, numbers and words marked for colour. */
export function colouredJson(formatted: string): Child[] {
  const parts: Child[] = [];
  let end = 0;
  for (const match of formatted.matchAll(tokenPattern)) {
    const token = match[0];
    const kind = kindOf(token, formatted[match.index + token.length]);
    if (kind === null) continue;
    parts.push(formatted.slice(end, match.index), el("span", { class: kind }, token));
    end = match.index + token.length;
  }
  parts.push(formatted.slice(end));
  return parts;
}

function kindOf(token: string, next: string | undefined): string | null {
  if (token.startsWith('"')) return next === ":" ? "j-name" : "j-string";
  if (/^[-\d]/.test(token)) return "j-number";
  return /^[tfn]/.test(token) ? "j-word" : null;
}
