/** Bytes as text, only where the way back gives the same bytes. */

/** The text, or null where the bytes are not UTF-8. A character cut off by the end of a partial value is left out. */
export function decodeText(bytes: Uint8Array, whole = true): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !whole });
  } catch {
    return null;
  }
}

/**
 * A text area turns every line end into `\n`. `lineEnd` is what turns them back, or null for a text that mixes line
 * ends and so cannot be edited without changing lines that nobody touched.
 */
export function lineEndOf(text: string): "\n" | "\r\n" | null {
  if (!text.includes("\r")) return "\n";
  return text.replaceAll("\r\n", "").match(/[\r\n]/) ? null : "\r\n";
}
