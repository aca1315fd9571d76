/**
 * Session tokens: per origin, the highest transaction of its database that the session has seen or written.
 * Text form: `origin.incarnation.transaction`, several joined by `~`. Opaque to clients, at most 256 bytes.
 */
export type Session = ReadonlyMap<string, SessionMark>;

/** A restored database counts transactions anew, so a mark names the incarnation that it belongs to. */
export type SessionMark = { readonly incarnation: string; readonly transaction: number };

export const maxSessionBytes = 256;

/** Null when `text` is not a token. */
export function parseSession(text: string): Session | null {
  if (text.length > maxSessionBytes) return null;
  const marks = new Map<string, SessionMark>();
  for (const part of text.split("~")) {
    const match = /^([a-z0-9-]{1,32})\.([0-9a-f]{12})\.(\d{1,16})$/.exec(part);
    if (match === null) return null;
    marks.set(match[1]!, { incarnation: match[2]!, transaction: Number(match[3]) });
  }
  return marks;
}

export function formatSession(session: Session): string {
  return Array.from(session, ([origin, mark]) => formatMark(origin, mark)).join("~");
}

export function formatMark(origin: string, { incarnation, transaction }: SessionMark): string {
  return `${origin}.${incarnation}.${transaction}`;
}

/** The session after it has also seen `transaction` of `origin`. */
export function advance(session: Session, origin: string, incarnation: string, transaction: number): Session {
  const known = session.get(origin);
  if (known?.incarnation === incarnation && known.transaction >= transaction) return session;
  return new Map(session).set(origin, { incarnation, transaction });
}
