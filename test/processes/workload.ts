import { Recorder, type State } from "../support/history.ts";
import { ApiError, type Headers, type Kv } from "../support/kv.ts";
import { pick, type Random } from "../support/random.ts";

export type WorkloadOptions = {
  /** Each call goes through any of these. */
  readonly kvs: readonly Kv[];
  readonly keys: readonly string[];
  readonly clients: number;
  readonly callsEach: number;
  readonly random: Random;
};

/** Concurrent clients that read, put, delete and compare-and-set a few keys, with all that they saw. */
export async function runWorkload(options: WorkloadOptions): Promise<Recorder> {
  const recorder = new Recorder();
  const clients = Array.from({ length: options.clients }, (_, client) => runClient(client, recorder, options));
  await Promise.all(clients);
  return recorder;
}

const blindly = ["read", "read", "read", "put", "delete", "create"];
/** Only with an expectation of what the key holds. */
const knowingly = ["swap", "swap", "transact", "remove"];

async function runClient(client: number, recorder: Recorder, { kvs, keys, callsEach, random }: WorkloadOptions) {
  /** What the client last saw of each key, and its tag: what it expects when it swaps. */
  const seen = new Map<string, { value: State; tag: string }>();
  for (let i = 0; i < callsEach; i++) {
    const kv = pick(random, kvs);
    const key = pick(random, keys);
    const value = `${client}.${i}`;
    const expected = seen.get(key);
    const kind = pick(random, expected === undefined ? blindly : [...blindly, ...knowingly]);
    const saw = (tag: string) => seen.set(key, { value, tag });
    if (kind === "read") {
      await recorder.read(client, key, async () => {
        const found = await kv.get(key);
        if (found === null) seen.delete(key);
        else seen.set(key, found);
        return found?.value ?? null;
      });
    } else if (kind === "put") {
      await recorder.write(client, key, value, async () => saw((await kv.put(key, value)).tag));
    } else if (kind === "delete") {
      await recorder.write(client, key, null, () => kv.delete(key));
    } else if (kind === "create") {
      const create = async () => saw((await kv.put(key, value, { "If-None-Match": "*" })).tag);
      await recorder.swap(client, key, null, value, () => isDone(create()));
    } else {
      const { value: before, tag } = expected!;
      const match: Headers = { "If-Match": tag };
      const ways: Record<string, () => Promise<unknown>> = {
        swap: async () => saw((await kv.put(key, value, match)).tag),
        transact: async () => {
          const [after] = await kv.transact([{ op: "put", key, value, if_match: [tag.slice(1, -1)] }]);
          saw(`"${after}"`);
        },
        remove: () => kv.delete(key, match),
      };
      await recorder.swap(client, key, before, kind === "remove" ? null : value, () => isDone(ways[kind]!()));
    }
  }
}

/** False when the condition failed. */
async function isDone(act: Promise<unknown>): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) return false;
    throw error;
  }
}

/** How many swaps of a history were done and refused, for a look at whether the workload tests anything. */
export function countSwaps({ calls }: Recorder): { done: number; refused: number } {
  const swaps = calls.flatMap(({ operation }) => (operation.kind === "swap" ? [operation.done] : []));
  const done = swaps.filter(Boolean).length;
  return { done, refused: swaps.length - done };
}
