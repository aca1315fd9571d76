import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { adminKey } from "../../support/service.ts";

/** A server-sent event as it came over the wire; fields that were not sent are missing. */
export type Frame = {
  event?: string;
  id?: string;
  data?: string;
  retry?: string;
  comment?: string;
};

/** An open stream of server-sent events, read as the HTML standard says. */
export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly #response: IncomingMessage;
  #frames: Frame[] = [];
  #text = "";
  #wake = () => {};
  /** What a browser would send as `Last-Event-ID` when it connects anew. */
  lastId: string | undefined;
  ended = false;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode!;
    this.headers = response.headers;
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.#read(text));
    const end = () => {
      this.ended = true;
      this.#wake();
    };
    response.on("end", end).on("error", end);
  }

  static async open(url: string, headers: Record<string, string> = {}, key: string = adminKey): Promise<EventStream> {
    const asking = request(url, { headers: { Authorization: `Bearer ${key}`, ...headers }, agent: false });
    asking.end();
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    return new EventStream(response);
  }

  #read(text: string): void {
    const frames = (this.#text + text).split("\n\n");
    this.#text = frames.pop()!;
    for (const lines of frames) {
      const frame: Frame = {};
      for (const line of lines.split("\n")) {
        const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
        if (name === "") frame.comment = value!;
        else frame[name as keyof Frame] = value!;
      }
      if (frame.id !== undefined) this.lastId = frame.id;
      this.#frames.push(frame);
    }
    this.#wake();
  }

  /** The next frame with an event; others are passed over. Null when the stream has ended. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect to be there.
  async next(): Promise<{ event: string; id: string | undefined; data: any } | null> {
    const { event, id, data } = (await this.frame((frame) => frame.event !== undefined)) ?? {};
    return event === undefined ? null : { event, id, data: JSON.parse(data!) };
  }

  /** The next frame that is wanted; null when the stream has ended. Rejects after `patience` milliseconds without any. */
  async frame(wanted: (frame: Frame) => boolean, patience = 10_000): Promise<Frame | null> {
    for (;;) {
      for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) {
        if (wanted(frame)) return frame;
      }
      if (this.ended) return null;
      const late = new AbortController();
      const waited = sleep(patience, "late", { signal: late.signal }).catch(() => null);
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      if ((await Promise.race([waited, woken])) === "late") throw new Error(`no event came for ${patience / 1000} s`);
      late.abort();
    }
  }

  close(): void {
    this.#response.destroy();
  }
}
