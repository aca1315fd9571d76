/** The way from the namespace down to the folder that is shown. */
import { el, fill } from "../dom.ts";
import { printable } from "../format.ts";

/** Shows it in `stage`. `href` makes the link to a prefix; undefined is the namespace itself. */
export function showCrumbs(
  stage: HTMLElement,
  namespace: string,
  folder: string,
  delimiter: string,
  href: (prefix: string | undefined) => string,
): void {
  const parts = folder === "" ? [] : folder.split(delimiter).slice(0, -1);
  const crumb = (label: string, prefix: string | undefined, isLast: boolean) =>
    el("li", {}, el("a", { href: href(prefix), "aria-current": isLast ? "page" : null }, label));
  const below = parts.map((part, i) =>
    crumb(printable(part) || "(empty)", parts.slice(0, i + 1).join(delimiter) + delimiter, i === parts.length - 1),
  );
  fill(stage, el("ol", {}, crumb(namespace, undefined, parts.length === 0), below));
}

/** The folder above. */
export function parentOf(folder: string, delimiter: string): string {
  const end = folder.slice(0, -delimiter.length).lastIndexOf(delimiter);
  return end < 0 ? "" : folder.slice(0, end + delimiter.length);
}
