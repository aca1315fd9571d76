import { Link, type Target } from "./link.ts";

/** What becomes of what a cloud and its peers say to each other, both ways. */
export type PeerLinks = "open" | "slow" | "cut";

/** Milliseconds that bytes are late on slow links, each way: five times the longest way around the earth. */
const SLOW_MS = 1000;

type Pair = { readonly from: string; readonly to: string; readonly link: Link };

/** The links between clouds: one for each cloud and each of its peers. */
export class Links {
  readonly #links: readonly Pair[];
  readonly #states = new Map<string, PeerLinks>();

  private constructor(links: readonly Pair[]) {
    this.#links = links;
  }

  /** @param target tells where a cloud is now */
  static async open(clouds: readonly string[], target: (cloud: string) => Target): Promise<Links> {
    const pairs = clouds.flatMap((from) => clouds.filter((to) => to !== from).map((to) => ({ from, to })));
    const open = async (pair: { from: string; to: string }) => ({
      ...pair,
      link: await Link.listen(() => target(pair.to)),
    });
    return new Links(await Promise.all(pairs.map(open)));
  }

  /** The cloud's peers and where it reaches them, as the service's `PEERS` wants it. */
  peersOf(cloud: string): string {
    const own = this.#links.filter(({ from }) => from === cloud);
    return own.map(({ to, link }) => `${to}=https://127.0.0.1:${link.port}`).join(",");
  }

  state(cloud: string): PeerLinks {
    return this.#states.get(cloud) ?? "open";
  }

  /** Of two clouds the worse state holds. */
  set(cloud: string, state: PeerLinks): void {
    this.#states.set(cloud, state);
    for (const { from, to, link } of this.#links) {
      const states = [this.state(from), this.state(to)];
      const course = { held: states.includes("cut"), delay: states.includes("slow") ? SLOW_MS : 0 };
      link.set({ there: course, back: course });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map(({ link }) => link.close()));
  }
}
