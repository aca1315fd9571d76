import type { Home } from "../kv/catalog.ts";
import type { Now } from "../kv/clock.ts";
import { namespacePattern } from "../kv/path.ts";
import type { NamespaceRecord, Store } from "../store/port.ts";
import { namespaceNotFound, Problem } from "./problems.ts";
import type { RateLimit } from "./rate-limits.ts";
import { type Settings, settings } from "./schemas.ts";

/** A namespace as requests see it. */
export type Namespace = Home & {
  readonly name: string;
  /** What is at or below it belongs to an earlier life of the namespace. */
  readonly epoch: bigint;
  readonly createdAt: number;
  readonly settings: Settings;
  readonly limit: RateLimit | null;
};

/** Milliseconds after which a process has heard of a change of settings that another one made. */
const maxAge = 5000;
/** Names that were asked for and are not there; bounds what strangers can make us remember. */
const maxRemembered = 10_000;

/** The namespaces of this cloud, remembered for seconds. */
export class Namespaces {
  readonly #store: Pick<Store, "namespace">;
  readonly #monotonic: Now;
  readonly #known = new Map<string, { readonly namespace: Namespace; readonly until: number }>();
  #asking = new Map<string, Promise<Namespace | null>>();

  constructor(store: Pick<Store, "namespace">, monotonic: Now) {
    this.#store = store;
    this.#monotonic = monotonic;
  }

  /** Without waiting: what is remembered, undefined when it must be asked for. */
  peek(name: string): Namespace | undefined {
    const known = this.#known.get(name);
    return known !== undefined && known.until > this.#monotonic() ? known.namespace : undefined;
  }

  /** Throws the 404 or 400 problem when there is no such namespace. */
  async get(name: string): Promise<Namespace> {
    const known = this.peek(name);
    if (known !== undefined) return known;
    if (!namespacePattern.test(name)) {
      throw new Problem(
        "bad-parameter",
        `expected a namespace of 1-64 of a-z 0-9 . _ -, found ${JSON.stringify(name.slice(0, 80))}`,
      );
    }
    const namespace = await this.refresh(name);
    if (namespace === null) throw namespaceNotFound(name);
    return namespace;
  }

  /** As the store has it now, and remembered so; null when there is none. Asks once for all that ask at the same time. */
  refresh(name: string): Promise<Namespace | null> {
    let asking = this.#asking.get(name);
    if (asking === undefined) {
      const all = this.#asking;
      asking = this.#ask(name).finally(() => all.delete(name));
      all.set(name, asking);
    }
    return asking;
  }

  /** As the store has it at some moment after this call; another one's question may have been answered before. */
  readNow(name: string): Promise<Namespace | null> {
    return this.#ask(name);
  }

  async #ask(name: string): Promise<Namespace | null> {
    const all = this.#asking;
    const record = await this.#store.namespace(name);
    // Read before everything was forgotten: it may be what has changed.
    if (all !== this.#asking) return record && namespaceOf(record);
    if (record !== null) return this.remember(record);
    this.forget(name);
    return null;
  }

  remember(record: NamespaceRecord): Namespace {
    const namespace = namespaceOf(record);
    if (this.#known.size >= maxRemembered) this.#known.clear();
    this.#known.set(record.name, { namespace, until: this.#monotonic() + maxAge });
    return namespace;
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  /** Something has changed, whichever it was: all are asked for anew, also those that are being asked for now. */
  forgetAll(): void {
    this.#known.clear();
    this.#asking = new Map();
  }
}

/** Settings as stored, with the defaults of what was never set. Fields of newer releases are passed over. */
export function namespaceOf(record: NamespaceRecord): Namespace {
  const known = Object.fromEntries(Object.entries(record.settings).filter(([name]) => name in settings.shape));
  const parsed = settings.parse(known);
  const limit = parsed.rate_limit && { name: `namespace:${record.name}`, ...parsed.rate_limit };
  const { name, epoch, createdAt, home, movingTo, homeEpoch } = record;
  return { name, epoch, createdAt, home, movingTo, homeEpoch, settings: parsed, limit };
}
