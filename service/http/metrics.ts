import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** Upper bounds of the latency buckets in seconds: a cached read takes tens of microseconds, a commit milliseconds. */
const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A histogram without labels to look up: one series, bumped on the hot path with a few additions. */
class Series {
  readonly counts = new Float64Array(buckets.length + 1);
  sum = 0;

  observe(seconds: number): void {
    let i = 0;
    while (i < buckets.length && seconds > buckets[i]!) i++;
    this.counts[i]!++;
    this.sum += seconds;
  }
}

/** Everything that this process counts. Base units; labels are bounded: never a key, a namespace or a credential. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Map<string, Series>();
  /** The series of the last request: the next one is likely of the same kind. */
  #last = { route: "", method: "", status: 0, series: new Series() };
  readonly #reads = { l1: 0, l2: 0, store: 0 };
  readonly commitRows: Counter;
  readonly commits: Counter;
  readonly l2Commands: Counter;
  readonly watchEvents: Counter;
  readonly reaped: Counter;

  constructor(gauges: {
    readonly horizonAge: () => number;
    readonly clockSkew: () => number;
    readonly watchers: () => number;
    readonly cacheBytes: () => number;
    readonly ready: () => boolean;
    readonly pendingWrites: () => number;
  }) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.commitRows = new Counter({ name: "skykv_commit_rows_total", help: "Entries written", registers });
    this.commits = new Counter({ name: "skykv_commits_total", help: "Batches committed", registers });
    this.l2Commands = new Counter({
      name: "skykv_l2_commands_total",
      help: "Commands to the shared cache",
      labelNames: ["result"],
      registers,
    });
    this.watchEvents = new Counter({ name: "skykv_watch_events_total", help: "Events sent to watchers", registers });
    this.reaped = new Counter({ name: "skykv_reaped_total", help: "Dead entries removed", registers });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge(
      "skykv_feed_horizon_age_seconds",
      "Age of the oldest transaction that holds back watches and peers",
      gauges.horizonAge,
    );
    gauge("skykv_clock_skew_seconds", "This process's clock minus the database's", gauges.clockSkew);
    gauge("skykv_watchers", "Open watches", gauges.watchers);
    gauge("skykv_l1_bytes", "Bytes in the process's cache", gauges.cacheBytes);
    gauge("skykv_ready", "1 when this process can serve", () => Number(gauges.ready()));
    gauge("skykv_pending_writes", "Writes that wait or are under way", gauges.pendingWrites);
    this.#registerOwn();
  }

  /** Counts an answered request. `route` is a template such as `/v1/kv/{ns}/{key}`. */
  request(route: string, method: string, status: number, seconds: number): void {
    const last = this.#last;
    if (last.route !== route || last.method !== method || last.status !== status) {
      this.#last = { route, method, status, series: this.#seriesOf(`${route} ${method} ${status}`) };
    }
    this.#last.series.observe(seconds);
  }

  #seriesOf(name: string): Series {
    let series = this.#requests.get(name);
    if (series === undefined) {
      series = new Series();
      this.#requests.set(name, series);
    }
    return series;
  }

  read(tier: "l1" | "l2" | "store"): void {
    this.#reads[tier]++;
  }

  /** Our own series as metrics of the registry: it asks for name, help, type and values. */
  #registerOwn(): void {
    type Values = { metricName?: string; labels: Record<string, string | number>; value: number }[];
    const register = (name: string, help: string, type: string, values: () => Values) =>
      this.registry.registerMetric({
        name,
        help,
        type,
        aggregator: "sum",
        get: async () => ({ name, help, type, aggregator: "sum", values: values() }),
        reset() {},
      } as never);
    register("skykv_reads_total", "Reads of entries by where they were answered", "counter", () =>
      Object.entries(this.#reads).map(([tier, value]) => ({ labels: { tier }, value })),
    );
    const name = "skykv_http_request_duration_seconds";
    register(name, "Time to answer a request", "histogram", () => {
      const values: Values = [];
      for (const [key, series] of this.#requests) {
        const [route, method, status] = key.split(" ") as [string, string, string];
        const labels = { route, method, status };
        let count = 0;
        buckets.forEach((le, i) => {
          count += series.counts[i]!;
          values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
        });
        count += series.counts[buckets.length]!;
        values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count });
        values.push({ metricName: `${name}_sum`, labels, value: series.sum });
        values.push({ metricName: `${name}_count`, labels, value: count });
      }
      return values;
    });
  }
}
