import type { Region } from "../../../infra/edge/steering.ts";

/** What went to one cloud since the edge started. */
export type CloudTraffic = {
  /** Requests under way. */
  readonly open: number;
  /** Answers, whatever their status, by the region of who asked; regions without any are left out. */
  readonly answers: Readonly<Partial<Record<Region, number>>>;
  /** Requests without an answer, by the status that Cloudflare has for it. */
  readonly failures: Readonly<Record<string, number>>;
};

/** Counts for one cloud. */
export class Traffic {
  #open = 0;
  readonly #answers = new Map<Region, number>();
  readonly #failures = new Map<number, number>();

  started(): void {
    this.#open++;
  }

  ended(): void {
    this.#open--;
  }

  answered(region: Region): void {
    this.#answers.set(region, (this.#answers.get(region) ?? 0) + 1);
  }

  failed(status: number): void {
    this.#failures.set(status, (this.#failures.get(status) ?? 0) + 1);
  }

  read(): CloudTraffic {
    return {
      open: this.#open,
      answers: Object.fromEntries(this.#answers),
      failures: Object.fromEntries(this.#failures),
    };
  }
}
