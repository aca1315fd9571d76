/**
 * The client: a process of its own that keeps connections busy, each with one request under way, and times every answer.
 * It must cost less than the servers, so it is HTTP/1.1 by hand: requests are made beforehand, and of an answer it reads
 * the status and the length. Its parent sends an {@link Order} and gets a {@link Measured} or a {@link Failed}.
 */
import { connect, type Socket } from "node:net";
import { connections, keyOf, namespace, valueBytes, valueFor } from "./workloads.ts";

export type Order = {
  readonly port: number;
  readonly authorization: string;
  readonly keys: number;
  /** Part of the requests that are GET. */
  readonly reads: number;
  readonly seconds: number;
};

export type Measured = {
  readonly answers: number;
  readonly seconds: number;
  /** Milliseconds from writing the request to the last byte of the answer. */
  readonly p50: number;
  readonly p99: number;
};

export type Failed = { readonly error: string };

/** Requests by key, made once and sent to every server. */
const requests: { readonly GET: Buffer[]; readonly PUT: Buffer[] } = { GET: [], PUT: [] };

function prepare({ authorization, keys, reads }: Order): void {
  const add = (method: "GET" | "PUT", rest: (index: number) => string) => {
    for (let i = requests[method].length; i < keys; i++) {
      const target = `/v1/kv/${namespace}/${keyOf(i)}`;
      const head = `${method} ${target} HTTP/1.1\r\nHost: bench\r\nAuthorization: ${authorization}\r\n`;
      requests[method].push(Buffer.from(head + rest(i)));
    }
  };
  const describe = `Content-Type: application/octet-stream\r\nContent-Length: ${valueBytes}\r\n\r\n`;
  if (reads > 0) add("GET", () => "\r\n");
  // The value of another key, so that what is written changes.
  if (reads < 1) add("PUT", (i) => describe + valueFor(i + 1));
}

const bodyMark = Buffer.from("\r\n\r\n");
const lengthMark = Buffer.from("\r\nContent-Length: ");

type Head = { readonly status: number; readonly bodyLength: number; readonly length: number };

/** Of the answer that `bytes` begin with; null while its head is not whole. */
function headOf(bytes: Buffer): Head | null {
  const end = bytes.indexOf(bodyMark);
  if (end === -1) return null;
  const status = (bytes[9]! - 48) * 100 + (bytes[10]! - 48) * 10 + (bytes[11]! - 48);
  const mark = bytes.indexOf(lengthMark);
  if (mark === -1 || mark > end) throw new Error(`expected Content-Length, found ${excerpt(bytes)}`);
  let bodyLength = 0;
  for (let i = mark + lengthMark.length; bytes[i]! !== 13; i++) bodyLength = bodyLength * 10 + bytes[i]! - 48;
  return { status, bodyLength, length: end + bodyMark.length + bodyLength };
}

function excerpt(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1", 0, 400));
}

function check(bytes: Buffer, { status, bodyLength, length }: Head, isRead: boolean): void {
  const right = isRead ? status === 200 && bodyLength === valueBytes : status === 200 || status === 201;
  if (!right || bytes.length !== length) {
    throw new Error(`expected ${isRead ? `200 and ${valueBytes} bytes` : "200 or 201"}, found ${excerpt(bytes)}`);
  }
}

/** All sockets read into it: an answer is looked at before the next one is read. */
const inbox = Buffer.allocUnsafe(64 * 1024);

/** One connection with at most one request under way. */
class Line {
  readonly #socket: Socket;
  readonly #onAnswer: (line: Line) => void;
  /** The first part of an answer that came in several. */
  #begun: Buffer | null = null;
  isRead = true;
  sentAt = 0;
  readonly opened: Promise<void>;

  constructor(port: number, onAnswer: (line: Line) => void, onError: (error: Error) => void) {
    this.#onAnswer = onAnswer;
    const callback = (length: number) => {
      try {
        this.#receive(inbox.subarray(0, length));
      } catch (error) {
        onError(error as Error);
      }
      return true;
    };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer: inbox, callback } });
    this.opened = new Promise((resolve) => this.#socket.once("connect", resolve));
    this.#socket.on("error", onError);
    this.#socket.on("end", () => onError(new Error("the server closed a connection")));
  }

  send(request: Buffer, isRead: boolean): void {
    this.isRead = isRead;
    this.sentAt = performance.now();
    this.#socket.write(request);
  }

  #receive(part: Buffer): void {
    const bytes = this.#begun === null ? part : Buffer.concat([this.#begun, part]);
    const head = headOf(bytes);
    if (head === null || bytes.length < head.length) {
      this.#begun = this.#begun === null ? Buffer.from(bytes) : bytes;
      return;
    }
    this.#begun = null;
    check(bytes, head, this.isRead);
    this.#onAnswer(this);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Keeps all connections busy for the ordered time; requests under way at its end are waited for and not counted. */
async function run(order: Order): Promise<Measured> {
  prepare(order);
  const latencies: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let end = Number.POSITIVE_INFINITY;
  let idle = 0;
  const next = (line: Line) => {
    const isRead = Math.random() < order.reads;
    const index = Math.floor(Math.random() * order.keys);
    line.send(requests[isRead ? "GET" : "PUT"][index]!, isRead);
  };
  const onAnswer = (line: Line) => {
    const now = performance.now();
    if (now < end) {
      latencies.push(now - line.sentAt);
      next(line);
    } else if (++idle === connections) {
      resolve();
    }
  };
  const lines = Array.from({ length: connections }, () => new Line(order.port, onAnswer, reject));
  try {
    await Promise.race([promise, Promise.all(lines.map(({ opened }) => opened))]);
    end = performance.now() + order.seconds * 1000;
    for (const line of lines) next(line);
    await promise;
  } finally {
    for (const line of lines) line.close();
  }
  return summary(latencies, order.seconds);
}

function summary(latencies: readonly number[], seconds: number): Measured {
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return { answers: sorted.length, seconds, p50: quantile(0.5), p99: quantile(0.99) };
}

process.on("message", (order: Order) => {
  run(order).then(
    (measured) => process.send!(measured),
    (error: Error) => process.send!({ error: error.message } satisfies Failed),
  );
});
process.once("disconnect", () => process.exit());
