import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../support/kv.ts";
import { adminKey } from "../support/service.ts";

export type Event = {
  readonly type: "put" | "delete";
  readonly id: string;
  readonly key: string;
  readonly version: string;
  /** With `values=1`. */
  readonly value?: string;
};

type Query = Readonly<Record<string, string>>;

/**
 * Watches the namespace `default` until stopped, resuming behind the last event after every break, by a stream of
 * server-sent events or by long polls. `url` is asked for anew each time: the process may have changed.
 */
export class Watcher {
  readonly events: Event[] = [];
  /** Anything that a watcher must not see: an answer other than 200 or a passing 5xx. */
  readonly faults: string[] = [];
  readonly #url: () => string;
  readonly #kind: "stream" | "poll";
  readonly #query: Query;
  readonly #onEvent: (event: Event) => void;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #cursor: string | null = null;

  private constructor(kind: "stream" | "poll", url: () => string, query: Query, onEvent: (event: Event) => void) {
    this.#kind = kind;
    this.#query = query;
    this.#onEvent = onEvent;
    this.#url = url;
    this.#ended = this.#run();
  }

  /** Resolves when it will miss nothing that is written from now on. `query` is added to what it asks for. */
  static async start(
    kind: "stream" | "poll",
    url: () => string,
    query: Query = {},
    onEvent: (event: Event) => void = () => {},
  ): Promise<Watcher> {
    const watcher = new Watcher(kind, url, query, onEvent);
    try {
      await until(`a ${kind} begins`, 10_000, () => watcher.#cursor !== null);
      return watcher;
    } catch (error) {
      await watcher.stop();
      throw error;
    }
  }

  /** What was seen of a key, oldest first. */
  of(key: string): Event[] {
    return this.events.filter((event) => event.key === key);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await (this.#kind === "stream" ? this.#stream() : this.#poll());
      } catch {
        // A broken connection; what it lacks comes after the cursor.
      }
      if (!this.#stop.signal.aborted) await sleep(20);
    }
  }

  async #ask(query: URLSearchParams): Promise<Response | null> {
    if (this.#cursor !== null) query.set("since", this.#cursor);
    const response = await fetch(`${this.#url()}/v1/kv/default:watch?${query}`, {
      headers: { Authorization: `Bearer ${adminKey}` },
      signal: this.#stop.signal,
    });
    if (response.ok) return response;
    if (response.status < 500) this.faults.push(`${response.status}: ${await response.text()}`);
    return null;
  }

  async #stream(): Promise<void> {
    const response = await this.#ask(new URLSearchParams(this.#query));
    let text = "";
    for await (const chunk of response?.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const frames = (text + chunk).split("\n\n");
      text = frames.pop()!;
      for (const frame of frames) this.#take(frame);
    }
  }

  #take(frame: string): void {
    const fields = new Map(
      frame.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]),
    );
    if (fields.has("data")) this.#keep([JSON.parse(fields.get("data")!)]);
    this.#cursor = fields.get("id") ?? this.#cursor;
  }

  #keep(events: readonly Event[]): void {
    for (const event of events) {
      this.events.push(event);
      this.#onEvent(event);
    }
  }

  async #poll(): Promise<void> {
    const response = await this.#ask(new URLSearchParams({ ...this.#query, wait: this.#cursor === null ? "0" : "5" }));
    if (response === null) return;
    const { events, cursor } = (await response.json()) as { events: Event[]; cursor: string };
    this.#keep(events);
    this.#cursor = cursor;
  }
}
