/**
 * Deep links: `#/keys/{namespace}?prefix=users/&key=users/42`. A key may hold any character and end in a slash, so it is
 * a parameter and not the end of a path.
 */
const viewNames = ["keys", "watch", "namespaces", "api-keys", "clouds", "health"] as const;
export type ViewName = (typeof viewNames)[number];

export interface Route {
  view: ViewName;
  namespace: string;
  params: Record<string, string>;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#?\/?/, ""), "?");
  const [first = "", second = ""] = splitOnce(path, "/");
  const view = viewNames.find((name) => name === first) ?? "keys";
  return { view, namespace: decoded(second) || "default", params: Object.fromEntries(new URLSearchParams(query)) };
}

/** The link to a view. Parameters that are empty or undefined are left out. */
export function linkTo(view: ViewName, namespace = "", params: Record<string, string | undefined> = {}): string {
  const kept = Object.entries(params).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const query = new URLSearchParams(kept).toString().replaceAll("%2F", "/");
  return `#/${view}${namespace && `/${encodeURIComponent(namespace)}`}${query && `?${query}`}`;
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
