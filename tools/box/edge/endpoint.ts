import { setTimeout as sleep } from "node:timers/promises";
import type { Member } from "../../../infra/edge/steering.ts";
import type { Cloud } from "../../../infra/names.ts";
import { type Health, judge, type ProbeSettings, unknownHealth } from "./health.ts";
import { askOverHttp, probeUntilStopped } from "./probe.ts";
import { Traffic } from "./traffic.ts";
import { type Timeouts, Upstream } from "./upstream.ts";

/** A cloud behind the edge. */
export type EdgeCloud = Member & {
  /** Where its API is, without a slash at the end. */
  readonly url: string;
  /** Answers 200 when it can serve. On the port of the API: a closed port has to fail the probe, too. */
  readonly readyUrl: string;
};

export type EndpointOptions = {
  readonly probe: ProbeSettings;
  readonly timeouts: Timeouts;
  readonly say: (line: string) => void;
};

/** What the edge knows of one cloud, and its connections there. */
export class Endpoint {
  readonly cloud: Cloud;
  readonly upstream: Upstream;
  readonly traffic = new Traffic();
  member: EdgeCloud;
  health: Health = unknownHealth(Date.now());
  isCutOff = false;
  readonly #options: EndpointOptions;
  readonly #stop = new AbortController();

  constructor(member: EdgeCloud, options: EndpointOptions) {
    this.cloud = member.cloud;
    this.member = member;
    this.#options = options;
    this.upstream = new Upstream(member.url, options.timeouts, () => this.isCutOff);
  }

  /** From now on until it is stopped, drained or not: a cloud that is taken back can serve at once. */
  probe(): void {
    const { probe, say } = this.#options;
    const { signal } = this.#stop;
    void probeUntilStopped({
      settings: probe,
      ask: () =>
        askOverHttp(this.member.readyUrl, { timeout: probe.timeout, stopped: signal, isCutOff: this.isCutOff }),
      monotonic: () => performance.now(),
      sleep: (ms) => sleep(ms, undefined, { signal }).catch(() => {}),
      stopped: signal,
      onInterval: (fault) => {
        const before = this.health.status;
        this.health = judge(this.health, fault, Date.now(), probe);
        if (this.health.status !== before) say(`${this.cloud} is ${this.health.status}${fault ? ` (${fault})` : ""}`);
      },
    });
  }

  get isUp(): boolean {
    return this.health.status === "up";
  }

  stop(): void {
    this.#stop.abort();
    this.upstream.close();
  }
}
