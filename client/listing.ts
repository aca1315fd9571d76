import type { Entry } from "./entry.ts";

export type Page<E extends Entry = Entry> = {
  readonly entries: readonly E[];
  /** With `delimiter`: what keys have in common up to it, once each. */
  readonly prefixes: readonly string[];
  /** Where the next page begins; null on the last one. */
  readonly cursor: string | null;
};

/**
 * The entries of a namespace, in byte order of their keys: `for await (const entry of users.list())`, or page by page
 * with {@link pages}. Each iteration asks anew.
 */
export class Listing<E extends Entry> implements AsyncIterable<E> {
  readonly #fetch: (cursor: string | undefined) => Promise<Page<E>>;
  readonly #start: string | undefined;

  constructor(fetch: (cursor: string | undefined) => Promise<Page<E>>, start: string | undefined) {
    this.#fetch = fetch;
    this.#start = start;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<E, void> {
    for await (const page of this.pages()) yield* page.entries;
  }

  async *pages(): AsyncGenerator<Page<E>, void> {
    let cursor: string | null | undefined = this.#start;
    do {
      const page: Page<E> = await this.#fetch(cursor);
      yield page;
      cursor = page.cursor;
    } while (cursor !== null);
  }
}
