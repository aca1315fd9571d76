/**
 * The session token: what this client has seen, so that no later answer is older, whichever cloud gives it.
 *
 * Answers to requests in flight at the same time do not cover one another, so tokens are merged: per origin the highest
 * transaction. A token of a form that this release does not know replaces what there is: it covers at least the token
 * that its request carried.
 */
export class Session {
  token: string | null = null;

  accept(token: string): void {
    this.token = this.token === null || this.token === token ? token : merge(this.token, token);
  }
}

type Mark = { readonly text: string; readonly incarnation: string; readonly transaction: number };

function merge(known: string, token: string): string {
  const marks = parse(known);
  const news = parse(token);
  if (marks === null || news === null) return token;
  for (const [origin, mark] of news) {
    const before = marks.get(origin);
    // A restored database is another incarnation, and counts its transactions anew.
    if (before?.incarnation === mark.incarnation && before.transaction >= mark.transaction) continue;
    marks.set(origin, mark);
  }
  return Array.from(marks.values(), (mark) => mark.text).join("~");
}

/** `origin.incarnation.transaction`, several joined by `~`; null for anything else. */
function parse(token: string): Map<string, Mark> | null {
  const marks = new Map<string, Mark>();
  for (const text of token.split("~")) {
    const parts = /^([^.~]+)\.([^.~]+)\.(\d{1,16})$/.exec(text);
    if (parts === null) return null;
    marks.set(parts[1]!, { text, incarnation: parts[2]!, transaction: Number(parts[3]) });
  }
  return marks;
}
