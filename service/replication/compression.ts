import type { Transform } from "node:stream";
import { constants, createGunzip, createGzip, gunzipSync, gzipSync, type Zlib, type ZlibReset } from "node:zlib";

/** Bytes of one unpacked message: many small entries, or one with the largest inline value. */
export const maxUnpackedBytes = 64 * 2 ** 20;

/** Fast rather than small: catching up is bound by the processor sooner than by the network. */
const level = 1;
/** Bytes of a message that are packed at once: that takes less time than to have another thread do it. */
const smallBytes = 8 * 1024;
/** Window and tables for so many bytes: those that gzip makes by default take longer to prepare than to use. */
const smallTables = { windowBits: 13, memLevel: 5 } as const;
/** The least that Node's zlib takes as the size of its output. */
const minChunk = 64;
/** Bytes of output at a time, of larger messages. */
const chunkSize = 64 * 1024;
/** Streams that wait for their next message; more are made when more messages come at once. */
const maxIdle = 2;

/** A message in gzip's format. */
export async function pack(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.length > smallBytes) return packing.run(bytes, Number.POSITIVE_INFINITY);
  return gzipSync(bytes, { level, ...smallTables, chunkSize: bytes.length + minChunk });
}

/** Rejects what is no gzip, and past {@link maxUnpackedBytes}, however small the message was on its way. */
export async function unpack(bytes: Uint8Array): Promise<Buffer> {
  const size = unpackedBytes(bytes);
  if (bytes.length > smallBytes || size > smallBytes) return unpacking.run(bytes, maxUnpackedBytes);
  return gunzipSync(bytes, { maxOutputLength: smallBytes, chunkSize: Math.max(size, minChunk) });
}

/** What a message of gzip says in its last four bytes (RFC 1952). One that lies is not unpacked. */
function unpackedBytes(bytes: Uint8Array): number {
  return Buffer.from(bytes.subarray(-4)).readUInt32LE();
}

/** Node's types leave `reset` out for gzip, which is deflate with a frame around it. */
type Resettable = Transform & Zlib & ZlibReset;

/**
 * Streams that take one message after the other. V8 keeps what Node's zlib makes for a message, and through it the message,
 * until it collects all of its memory: with a new one for each, that came so often that clients had to wait for it.
 */
class Streams {
  readonly #make: () => Resettable;
  readonly #idle: Resettable[] = [];

  constructor(make: () => Resettable) {
    this.#make = make;
  }

  run(bytes: Uint8Array, limit: number): Promise<Buffer> {
    const stream = this.#idle.pop() ?? this.#make();
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let length = 0;
      const take = (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > limit) fail(new Error(`expected at most ${limit} bytes`));
      };
      // It stopped somewhere in the message: another one cannot follow.
      const fail = (error: Error) => {
        stream.off("data", take).destroy();
        reject(error);
      };
      stream.on("data", take).once("error", fail);
      stream.write(bytes);
      stream.flush(constants.Z_FINISH, () => {
        if (stream.destroyed) return;
        stream.off("data", take).off("error", fail).reset();
        if (this.#idle.length < maxIdle) this.#idle.push(stream);
        else stream.destroy();
        resolve(Buffer.concat(parts, length));
      });
    });
  }
}

const packing = new Streams(() => createGzip({ level, chunkSize }) as Transform as Resettable);
const unpacking = new Streams(() => createGunzip({ chunkSize }) as Transform as Resettable);
