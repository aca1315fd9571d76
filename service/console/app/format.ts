/** Numbers, sizes and times as people read them. */
import { el } from "./dom.ts";

const noBreak = "\u00a0";
const number = new Intl.NumberFormat("en");
const oneDecimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long" });

export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${number.format(n)} ${n === 1 ? noun : plural}`;
}

export function digits(n: number): string {
  return number.format(n);
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes}${noBreak}B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4);
  return `${oneDecimal.format(bytes / 1024 ** power)}${noBreak}${["", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

export function milliseconds(ms: number): string {
  return ms < 10_000 ? `${ms < 10 ? ms.toFixed(1) : digits(Math.round(ms))} ms` : `${oneDecimal.format(ms / 1000)} s`;
}

/** "3 min" for a length of time: the two largest units are never both worth the space. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${digits(Math.round(seconds / 86400))} days`;
}

/** "5 s ago", "in 3 h", and the date for what is more than a month away. */
export function relative(date: Date, now = Date.now()): string {
  const away = date.getTime() - now;
  if (Math.abs(away) > 31 * 86_400_000) return day.format(date);
  if (away > 0) return `in ${duration(away)}`;
  return away > -5000 ? "just now" : `${duration(-away)} ago`;
}

/** A time that keeps itself right: `refreshTimes` rewrites all of them. `expiry` words what has passed as expired. */
export function time(iso: string, { expiry = false } = {}): HTMLTimeElement {
  const element = el("time", {
    datetime: iso,
    title: exact.format(new Date(iso)),
    "data-live": true,
    "data-expiry": expiry,
  });
  refreshTime(element);
  return element;
}

export function refreshTimes(): void {
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-live]")) refreshTime(element);
}

function refreshTime(element: HTMLTimeElement): void {
  const date = new Date(element.dateTime);
  const expired = element.dataset.expiry !== undefined && date.getTime() <= Date.now();
  const text = expired ? "expired" : relative(date);
  if (element.textContent !== text) element.textContent = text;
}

/** The moment in a version: its first 48 bits are milliseconds (see Clock in the docs). */
export function versionTime(version: string): Date {
  return new Date(Number.parseInt(version.slice(0, 12), 16));
}

/** Characters that print nothing or turn text around are spelled out, so that no key can pose as another. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `⟨U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}
