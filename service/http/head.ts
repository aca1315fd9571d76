/** What the hot path must know of a request's headers, from one look at them: Node's own parsing of them costs more. */
export type Head = {
  hosts: number;
  requestId: string | undefined;
  authorization: string | undefined;
  ifNoneMatch: string | undefined;
  session: string | undefined;
  /** Whether there is a header among them that a read by the hot path would have to obey and does not. */
  special: boolean;
};

type Role = "hosts" | "requestId" | "authorization" | "ifNoneMatch" | "session" | "special" | "other";

const roles: Readonly<Record<string, Role>> = {
  host: "hosts",
  "x-request-id": "requestId",
  authorization: "authorization",
  "if-none-match": "ifNoneMatch",
  "kv-session": "session",
  "if-match": "special",
  "if-range": "special",
  range: "special",
  "kv-consistency": "special",
  origin: "special",
};

/** Spellings that were seen, so that names are not lowered again and again. Bounded: strangers choose names. */
const spellings = new Map<string, Role>();
const maxSpellings = 1000;

function roleOf(name: string): Role {
  let role = spellings.get(name);
  if (role === undefined) {
    role = roles[name.toLowerCase()] ?? "other";
    if (spellings.size < maxSpellings) spellings.set(name, role);
  }
  return role;
}

/** `rawHeaders` as Node has them: names and values in turn. A repeated header that matters here makes it special. */
export function readHead(rawHeaders: readonly string[]): Head {
  const head: Head = {
    hosts: 0,
    requestId: undefined,
    authorization: undefined,
    ifNoneMatch: undefined,
    session: undefined,
    special: false,
  };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const role = roleOf(rawHeaders[i]!);
    if (role === "other") continue;
    if (role === "hosts") head.hosts++;
    else if (role === "special" || head[role] !== undefined) head.special = true;
    else head[role] = rawHeaders[i + 1];
  }
  return head;
}
