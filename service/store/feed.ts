import type { Change, FeedPosition, FeedWindow, Store } from "./port.ts";

/** Changes that are kept for watchers that are a little behind. */
const maxKept = 20_000;
const windowRows = 1000;
/** Milliseconds between looks at the feed while someone watches: writes of other processes come to light this way. */
const pollInterval = 100;

type Recent = { start: FeedPosition; end: FeedPosition; changes: Change[] };

export function comparePositions(a: FeedPosition, b: FeedPosition): number {
  return a.xid - b.xid || a.id - b.id;
}

/**
 * The change feed as watchers read it. One reader per process follows its end while there is somebody to tell, and keeps
 * the last changes, so that a thousand watchers cost one read; who is further behind reads from the database.
 */
export class Feed {
  readonly #store: Store;
  readonly #onTrouble: (error: unknown) => void;
  /** All changes behind `start` up to `end`; null while nobody follows. */
  #recent: Recent | null = null;
  #followers = 0;
  #timer: NodeJS.Timeout | null = null;
  #reading = false;
  #again = false;
  readonly #waiters = new Set<() => void>();

  constructor(store: Store, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#onTrouble = onTrouble;
  }

  get followers(): number {
    return this.#followers;
  }

  /** Where a watch starts that wants only what comes. */
  async end(): Promise<FeedPosition> {
    return this.#store.feedEnd();
  }

  /** What changed after `position`. Empty when nothing did. Null when retention dropped it. */
  async after(position: FeedPosition): Promise<FeedWindow | null> {
    const recent = this.#recent;
    if (recent === null || comparePositions(position, recent.start) < 0) return this.#store.feed(position, windowRows);
    if (comparePositions(position, recent.end) >= 0) return { from: position, to: position, changes: [] };
    const first = firstAfter(recent.changes, position);
    const changes = recent.changes.slice(first, first + windowRows);
    const cut = first + windowRows < recent.changes.length;
    return { from: position, to: cut ? changes.at(-1)!.position : recent.end, changes };
  }

  /** Counts a watcher in; the feed is followed until all have called the returned function. */
  follow(): () => void {
    this.#followers++;
    if (this.#followers === 1) this.#start();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#followers--;
      if (this.#followers === 0) this.#stop();
    };
  }

  /** Resolves when there may be something behind `position`, or after `milliseconds`. */
  async news(position: FeedPosition, milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || this.#mayHave(position)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal?.addEventListener("abort", done);
      this.#waiters.add(done);
    });
  }

  /** What lies between a position and the start of the recent changes wakes nobody: it must be read. */
  #mayHave(position: FeedPosition): boolean {
    if (this.#recent === null) return false;
    const last = this.#recent.changes.at(-1)?.position;
    return (
      comparePositions(position, this.#recent.start) < 0 || (last !== undefined && comparePositions(last, position) > 0)
    );
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Something was committed here, or another process said so. */
  poke(): void {
    if (this.#followers > 0) void this.#read();
  }

  #start(): void {
    this.#timer = setInterval(() => void this.#read(), pollInterval);
    void this.#read();
  }

  #stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#recent = null;
  }

  async #read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    try {
      do {
        this.#again = false;
        if (this.#recent === null) {
          const end = await this.#store.feedEnd();
          this.#recent = { start: end, end, changes: [] };
          // Those who came before may be behind it.
          this.#wake();
        }
        const recent: Recent = this.#recent;
        const window = await this.#store.feed(recent.end, windowRows);
        // Everybody may have left meanwhile, and others come.
        if (this.#recent !== recent) break;
        if (window === null) this.#recent = null;
        else this.#keep(window);
        if (window?.changes.length === windowRows) this.#again = true;
      } while (this.#again);
    } catch (error) {
      this.#onTrouble(error);
    } finally {
      this.#reading = false;
      if (this.#followers === 0) this.#stop();
    }
  }

  #keep(window: FeedWindow): void {
    const recent = this.#recent!;
    recent.end = window.to;
    if (window.changes.length === 0) return;
    recent.changes.push(...window.changes);
    if (recent.changes.length > maxKept) {
      recent.changes = recent.changes.slice(-maxKept / 2);
      // The change before the first kept one is gone, so only positions from the first kept one on are covered.
      recent.start = recent.changes[0]!.position;
    }
    this.#wake();
  }

  close(): void {
    this.#followers = 0;
    this.#stop();
    this.#wake();
  }
}

/** Index of the first change behind `position`. */
function firstAfter(changes: readonly Change[], position: FeedPosition): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePositions(changes[middle]!.position, position) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
