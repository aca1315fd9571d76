import { InvalidArgumentError } from "commander";

const secondsOf = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds from `90`, `1.5h`, `30d`; `none` stays. */
export function parseTtl(text: string): number | "none" {
  return text === "none" ? "none" : parseDuration(text);
}

export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  const seconds = match ? Number(match[1]) * secondsOf[(match[2] || "s") as keyof typeof secondsOf] : 0;
  if (!(seconds > 0)) throw new InvalidArgumentError("expected seconds above 0, or a number with s, m, h or d.");
  return seconds;
}

export function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || text.trim() === "")
    throw new InvalidArgumentError("expected an integer within ±2^53-1.");
  return value;
}

export function parseCount(text: string): number {
  const value = parseInteger(text);
  if (value < 1) throw new InvalidArgumentError("expected a number above 0.");
  return value;
}

/** Bytes from `1000`, `64K`, `25M`. */
export function parseSize(text: string): number {
  const match = /^(\d{1,12})([KM]?)$/i.exec(text);
  if (!match) throw new InvalidArgumentError("expected bytes, or a number with K or M.");
  return Number(match[1]) * { "": 1, K: 2 ** 10, M: 2 ** 20 }[match[2]!.toUpperCase() as "" | "K" | "M"];
}

export function parseMeta(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError("expected a JSON object.");
}

/** `5` a second, or `100/60` in a minute. */
export function parseRate(text: string): { requests: number; seconds: number } {
  const match = /^(\d{1,7})(?:\/(\d{1,4}))?$/.exec(text);
  if (!match) throw new InvalidArgumentError("expected requests a second, or requests/seconds.");
  return { requests: Number(match[1]), seconds: Number(match[2] ?? 1) };
}

export function parseDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError("expected a time like 2027-01-31 or 2027-01-31T12:00:00Z.");
  return date;
}

/** Gathers an option that may be repeated. */
export function gather(text: string, before: unknown): string[] {
  return [...((before as string[] | undefined) ?? []), text];
}
