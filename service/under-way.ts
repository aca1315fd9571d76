/** Where a thing stands in {@link UnderWay}. */
export type Place<T> = { readonly item: T; older: Place<T> | null; newer: Place<T> | null; isTaken: boolean };

/**
 * Things that are under way, oldest first. Not a `Set`: V8 moves one that changes all the time from table to table, each of
 * which points to its successor, so that whatever was in any of them stays in memory until the next full collection.
 */
export class UnderWay<T> {
  #oldest: Place<T> | null = null;
  #newest: Place<T> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): Place<T> {
    const place: Place<T> = { item, older: this.#newest, newer: null, isTaken: true };
    if (this.#newest === null) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
    this.#size++;
    return place;
  }

  /** Whether it was still there. */
  delete(place: Place<T>): boolean {
    if (!place.isTaken) return false;
    const { older, newer } = place;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    // A place that was left must not keep its neighbours in memory.
    place.older = null;
    place.newer = null;
    place.isTaken = false;
    this.#size--;
    return true;
  }

  /** The one that is looked at may be deleted meanwhile, and no other. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let place = this.#oldest; place !== null; ) {
      const { item, newer } = place;
      yield item;
      place = newer;
    }
  }
}
