/** What a key holds: a value, or null for nothing. Writers give every value a name of its own, so that it says which write it is. */
export type State = string | null;

/** A delete writes null; create-only swaps null for a value; a swap that is not `done` found something else than it expected. */
export type Operation =
  | { readonly kind: "read"; readonly found: State }
  | { readonly kind: "write"; readonly value: State }
  | { readonly kind: "swap"; readonly expected: State; readonly value: State; readonly done: boolean };

/**
 * One operation as its client saw it. Times are milliseconds of one monotonic clock. `completed` is Infinity where the
 * outcome is unknown: the write may have taken effect at any time after `invoked`, may still do so, or never will.
 */
export type Call = {
  readonly client: number;
  readonly key: string;
  readonly operation: Operation;
  readonly invoked: number;
  readonly completed: number;
};

/** `failed` means certainly not applied. */
export type Outcome = "ok" | "failed" | "unknown";

/** Collects the calls of concurrent clients of one process. Calls that failed leave no trace: they did nothing. */
export class Recorder {
  readonly calls: Call[] = [];

  /** What `act` found, or undefined when it threw. */
  async read(client: number, key: string, act: () => Promise<State>): Promise<State | undefined> {
    const invoked = performance.now();
    try {
      const found = await act();
      this.#add(client, key, { kind: "read", found }, invoked, performance.now());
      return found;
    } catch {
      return undefined;
    }
  }

  async write(client: number, key: string, value: State, act: () => Promise<unknown>): Promise<Outcome> {
    return this.#change(client, key, act, () => ({ kind: "write", value }));
  }

  /** `act` answers whether the key held `expected`. */
  async swap(
    client: number,
    key: string,
    expected: State,
    value: State,
    act: () => Promise<boolean>,
  ): Promise<Outcome> {
    return this.#change(client, key, act, (done = true) => ({ kind: "swap", expected, value, done }));
  }

  async #change<Result>(
    client: number,
    key: string,
    act: () => Promise<Result>,
    operation: (result?: Result) => Operation,
  ): Promise<Outcome> {
    const invoked = performance.now();
    try {
      const result = await act();
      this.#add(client, key, operation(result), invoked, performance.now());
      return "ok";
    } catch (error) {
      if (certainlyNotApplied(error)) return "failed";
      this.#add(client, key, operation(), invoked, Number.POSITIVE_INFINITY);
      return "unknown";
    }
  }

  #add(client: number, key: string, operation: Operation, invoked: number, completed: number): void {
    this.calls.push({ client, key, operation, invoked, completed });
  }
}

/** Where the service was never reached, or refused on the client's account. All else, 5xx too, may have been written. */
export function certainlyNotApplied(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { status, code, cause } = error as Error & { status?: unknown; code?: unknown };
  if (typeof status === "number") return status >= 400 && status < 500 && status !== 408;
  return code === "ECONNREFUSED" || certainlyNotApplied(cause);
}
