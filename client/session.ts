/**
 * The session token: what this client has seen, so that no later answer is older, whichever cloud gives it.
 *
 * Tokens are opaque. The answer to a request covers the token that the request carried, so calls that are awaited one
 * after the other always read their own writes. Of calls in flight at the same time none covers another: the answer of
 * the write that came last is kept, and answers of reads that carried an older token are passed over. Whoever needs a
 * guarantee over concurrent writes awaits them and then reads with `consistency: "strong"` or in one transaction.
 */
export class Session {
  token: string | null = null;

  /** Takes the token of an answer to a request that carried `carried`. */
  accept(token: string | null, carried: string | null, wrote: boolean): void {
    if (token !== null && (wrote || carried === this.token)) this.token = token;
  }
}
