/**
 * The session token: what this client has seen, so that no later answer is older, whichever cloud gives it.
 *
 * An answer's token covers the one that its request carried, and takes its place. Where another answer came in between,
 * the two are merged. A token of a form that this release does not know replaces what there is.
 */
export class Session {
  token: string | null = null;

  /** `sent` is the token that the request carried. */
  accept(token: string, sent: string | null = null): void {
    this.token = this.token === null || this.token === sent ? token : merge(this.token, token);
  }
}

type Mark = { readonly since: number; readonly transaction: number; readonly text: string };
type Token = {
  /** Per cloud, the newest of its transactions that was seen. */
  readonly marks: ReadonlyMap<string, Mark>;
  /** A cloud that holds everything from that transaction on. */
  readonly witness: { readonly cloud: string; readonly mark: Mark } | null;
  /** The newest time that was seen, in hexadecimal. */
  readonly newest: string;
};

function merge(known: string, news: string): string {
  const [a, b] = [parse(known), parse(news)];
  if (a === null || b === null) return news;
  const marks = new Map(a.marks);
  for (const [cloud, mark] of b.marks) if (isOlder(marks.get(cloud), mark)) marks.set(cloud, mark);
  const pieces = Array.from(marks.values(), ({ text }) => text);
  const witness = witnessOf(a, b);
  if (witness !== null) pieces.push(`@${witness.mark.text}`);
  const newest = a.newest.padStart(16, "0") > b.newest.padStart(16, "0") ? a.newest : b.newest;
  if (newest !== "") pieces.push(`!${newest}`);
  return pieces.join("~");
}

/**
 * What one cloud has of both. Where they name two there is none, also if the marks of one cover the other's: they name
 * the newest transaction that was seen, and who has that may lack an older one.
 */
function witnessOf(a: Token, b: Token): Token["witness"] {
  if (a.witness === null || b.witness === null || a.witness.cloud !== b.witness.cloud) return null;
  return isOlder(a.witness.mark, b.witness.mark) ? b.witness : a.witness;
}

function isOlder(a: Mark | undefined, b: Mark): boolean {
  return a === undefined || (a.since - b.since || a.transaction - b.transaction) < 0;
}

/** `cloud.since.transaction` for each mark, `@…` for the witness, `!time`, joined by `~`; null for anything else. */
function parse(token: string): Token | null {
  const marks = new Map<string, Mark>();
  let witness: Token["witness"] = null;
  let newest = "";
  for (const piece of token.split("~")) {
    const parts = /^(@?)(([^.~@!]+)\.([0-9a-z]{1,9})\.([0-9a-z]{1,11}))$/.exec(piece);
    if (/^![0-9a-f]{1,16}$/.test(piece)) newest = piece.slice(1);
    else if (parts === null) return null;
    else {
      const [, sign, text, cloud, since, transaction] = parts as unknown as [
        string,
        string,
        string,
        string,
        string,
        string,
      ];
      const mark = { text, since: Number.parseInt(since, 36), transaction: Number.parseInt(transaction, 36) };
      if (sign === "@") witness = { cloud, mark };
      else marks.set(cloud, mark);
    }
  }
  return { marks, witness, newest };
}
