import { Links, type Trouble } from "./links.ts";

/** What becomes of what a cloud and its peers say to each other, both ways. */
export type PeerLink = "open" | "slow" | "cut";

const TROUBLES: Record<PeerLink, Trouble | null> = {
  open: null,
  // Five times the longest way around the earth and back, so that it can be watched.
  slow: { kind: "slow", delay: 1000, bytesPerSecond: Number.POSITIVE_INFINITY },
  cut: { kind: "cut" },
};

/** The links between the box's clouds, and what was done to each cloud's. */
export class PeerLinks {
  readonly #clouds: readonly string[];
  readonly #links: Links;
  readonly #states = new Map<string, PeerLink>();

  private constructor(clouds: readonly string[], links: Links) {
    this.#clouds = clouds;
    this.#links = links;
  }

  /** @param portOf where a cloud listens for its peers now; undefined while it does not */
  static async open(clouds: readonly string[], portOf: (cloud: string) => number | undefined): Promise<PeerLinks> {
    return new PeerLinks(
      clouds,
      await Links.open(clouds, (cloud) => [portOf(cloud)].filter((port) => port !== undefined)),
    );
  }

  /** The cloud's peers and where it reaches them, as the service's `PEERS` wants it. */
  peersOf(cloud: string): string {
    const peers = this.#clouds.filter((peer) => peer !== cloud);
    return peers.map((peer) => `${peer}=https://127.0.0.1:${this.#links.between(cloud, peer).port}`).join(",");
  }

  state(cloud: string): PeerLink {
    return this.#states.get(cloud) ?? "open";
  }

  /** Between two clouds the worse of their states holds. */
  set(cloud: string, state: PeerLink): void {
    this.#states.set(cloud, state);
    for (const peer of this.#clouds.filter((other) => other !== cloud)) {
      const states = [state, this.state(peer)];
      const trouble = TROUBLES[states.includes("cut") ? "cut" : states.includes("slow") ? "slow" : "open"];
      this.#links.between(cloud, peer).trouble = trouble;
      this.#links.between(peer, cloud).trouble = trouble;
    }
  }

  close(): Promise<void> {
    return this.#links.close();
  }
}
