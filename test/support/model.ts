/**
 * What the API promises of one namespace, as a Map and a clock: nothing of how it is done. Tests do the same to it and to
 * the service, and compare. Versions are the service's to choose: the model is told them.
 */

/** What is at a key. `tag` is the entity tag without quotes. */
export type State = {
  readonly kind: "value" | "counter";
  readonly value: string;
  readonly contentType: string | null;
  readonly meta: string | null;
  /** Milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
  tag: string;
};

export type Tags = "*" | readonly string[];
export type Condition = { readonly ifMatch?: Tags; readonly ifNoneMatch?: Tags };
/** In milliseconds from now; `default` takes the namespace's. */
export type Expiry = number | "none" | "keep" | "default";

export type Operation = { readonly key: string; readonly condition: Condition } & (
  | { readonly op: "get" | "check" | "delete" }
  | {
      readonly op: "put";
      readonly value: string;
      readonly contentType: string | null;
      readonly meta: string | null;
      readonly expiry: Expiry;
    }
  | { readonly op: "touch"; readonly expiry: Expiry }
  | { readonly op: "increment"; readonly by: number }
);

/** The answer to expect. `state` is what is there then: written, or found. */
export type Outcome = {
  readonly status: number;
  readonly code?: string;
  readonly state: State | null;
  readonly wrote: boolean;
};

export type Listed = { readonly key: string; readonly state: State } | { readonly prefix: string };

export type ModelSettings = { readonly requireCondition: boolean; readonly defaultTtl: number | null };

export class Model {
  readonly #settings: ModelSettings;
  readonly #now: () => number;
  /** All states of each key, the last one being there now; null: deleted. */
  readonly #states = new Map<string, { readonly state: State | null; readonly from: number }[]>();

  constructor(settings: ModelSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  get keys(): string[] {
    return [...this.#states.keys()].filter((key) => this.at(key) !== null).sort(byBytes);
  }

  /** What is there now; an expired entry is absent. */
  at(key: string): State | null {
    return this.#live(this.#states.get(key)?.at(-1)?.state ?? null);
  }

  /** What a read may answer that may be `milliseconds` behind: every state that was there since then, as of now. */
  since(key: string, milliseconds: number): (State | null)[] {
    const states = [{ state: null, from: Number.NEGATIVE_INFINITY }, ...(this.#states.get(key) ?? [])];
    const oldest = this.#now() - milliseconds;
    return states
      .filter((_, i) => (states[i + 1]?.from ?? Number.POSITIVE_INFINITY) > oldest)
      .map(({ state }) => this.#live(state));
  }

  /** The next moment at which something expires. */
  get nextExpiry(): number | null {
    const times = this.keys.flatMap((key) => this.at(key)!.expiresAt ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** What an operation by itself answers; nothing is done. */
  outcome(operation: Operation): Outcome {
    const { op, key, condition } = operation;
    const current = this.at(key);
    const refused = (status: number, code: string): Outcome => ({ status, code, state: current, wrote: false });
    const isConditional = condition.ifMatch !== undefined || condition.ifNoneMatch !== undefined;
    if (this.#settings.requireCondition && !isConditional && ["put", "delete", "touch"].includes(op)) {
      return refused(428, "condition-required");
    }
    if (condition.ifMatch !== undefined && !matches(condition.ifMatch, current))
      return refused(412, "condition-failed");
    if (condition.ifNoneMatch !== undefined && matches(condition.ifNoneMatch, current)) {
      return op === "get" ? { status: 304, state: current, wrote: false } : refused(412, "condition-failed");
    }
    const wrote = (status: number, state: State | null): Outcome => ({ status, state, wrote: true });
    switch (operation.op) {
      case "get":
        return found(current);
      case "check":
        return { status: 204, state: current, wrote: false };
      case "delete":
        return wrote(204, null);
      case "put": {
        const { value, contentType, meta, expiry } = operation;
        const state = {
          kind: "value",
          value,
          contentType,
          meta,
          expiresAt: this.#expiresAt(expiry, current),
          tag: "",
        } as const;
        return wrote(current === null ? 201 : 200, state);
      }
      case "touch":
        if (current === null) return refused(404, "not-found");
        if (current.kind === "counter") return refused(409, "counter-never-expires");
        return wrote(200, { ...current, expiresAt: this.#expiresAt(operation.expiry, current), tag: "" });
      case "increment": {
        if (current?.kind === "value") return refused(409, "not-a-counter");
        const value = String(Number(current?.value ?? 0) + operation.by);
        return wrote(200, {
          kind: "counter",
          value,
          contentType: "text/plain; charset=utf-8",
          meta: null,
          expiresAt: null,
          tag: "",
        });
      }
    }
  }

  /** Does what an outcome says. `tag` is the one that the service gave the new state. */
  apply(key: string, { wrote, state }: Outcome, tag: string): void {
    if (!wrote) return;
    if (state !== null) state.tag = tag;
    const states = this.#states.get(key) ?? [];
    this.#states.set(key, [...states, { state, from: this.#now() }]);
  }

  /** A page of the list, and whether there is more. */
  page(
    prefix: string,
    delimiter: string | null,
    after: string | null,
    limit: number,
  ): { items: Listed[]; more: boolean } {
    const items = new Map<string, Listed>();
    for (const key of this.keys.filter((key) => key.startsWith(prefix))) {
      const at = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
      const folded = key.slice(0, at + (delimiter?.length ?? 0));
      if (at === -1) items.set(key, { key, state: this.at(key)! });
      else items.set(folded, { prefix: folded });
    }
    const left = [...items.keys()].sort(byBytes).filter((name) => after === null || byBytes(name, after) > 0);
    return { items: left.slice(0, limit).map((name) => items.get(name)!), more: left.length > limit };
  }

  #live(state: State | null): State | null {
    return state?.expiresAt != null && state.expiresAt <= this.#now() ? null : state;
  }

  #expiresAt(expiry: Expiry, current: State | null): number | null {
    if (expiry === "none") return null;
    if (expiry === "keep" && current?.kind === "value") return current.expiresAt;
    if (typeof expiry === "number") return this.#now() + expiry;
    return this.#settings.defaultTtl === null ? null : this.#now() + this.#settings.defaultTtl;
  }
}

/** The answer to a read that finds `state`. */
export function read(state: State | null, { ifMatch, ifNoneMatch }: Condition): Outcome {
  if (ifMatch !== undefined && !matches(ifMatch, state))
    return { status: 412, code: "condition-failed", state, wrote: false };
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, state)) return { status: 304, state, wrote: false };
  return found(state);
}

function found(state: State | null): Outcome {
  if (state === null) return { status: 404, code: "not-found", state, wrote: false };
  return { status: 200, state, wrote: false };
}

function matches(tags: Tags, current: State | null): boolean {
  return current !== null && (tags === "*" || tags.includes(current.tag));
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
