/** A line on stderr that says how far a long command is; silent when stderr is no terminal. */
export class Progress {
  readonly #label: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #began = performance.now();
  #drawn = Number.NEGATIVE_INFINITY;

  constructor(label: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#label = label;
    this.#stream = stream;
  }

  /** `fraction` of the whole from 0 to 1, or null when the whole is not known. */
  update(records: number, fraction: number | null): void {
    const now = performance.now();
    // Ten times a second is as much as an eye takes in.
    if (!this.#stream.isTTY || now - this.#drawn < 100) return;
    this.#drawn = now;
    const seconds = (now - this.#began) / 1000;
    const rate = `${records.toLocaleString("en")} records, ${Math.round(records / seconds).toLocaleString("en")}/s`;
    const left = fraction ? `, ${formatSeconds((seconds / fraction) * (1 - fraction))} left` : "";
    this.#draw(`${this.#label} ${fraction === null ? "" : bar(fraction)} ${rate}${left}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#stream.isTTY && this.#drawn > Number.NEGATIVE_INFINITY) this.#draw("");
  }

  #draw(text: string): void {
    const width = this.#stream.columns ?? 80;
    this.#stream.write(`\r\u001b[K${text.slice(0, width - 1)}`);
  }
}

function bar(fraction: number): string {
  const width = 24;
  const filled = Math.round(Math.min(1, fraction) * width);
  return `[${"#".repeat(filled)}${".".repeat(width - filled)}] ${Math.floor(Math.min(1, fraction) * 100)} %`;
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
