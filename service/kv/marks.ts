/**
 * A transaction of some cloud's database. A restored database counts its transactions anew, so the mark names the
 * incarnation by the time it began: of two incarnations of a cloud the later one counts.
 */
export type Mark = {
  /** When the incarnation began, milliseconds since 1970; 0 for a database that has had only one, and no peers. */
  readonly since: number;
  readonly transaction: number;
};

/** Per cloud, the newest transaction of its that something descends from; or below which something is complete. */
export type Marks = Readonly<Record<string, Mark>>;

export const noMarks: Marks = {};

/** Negative when `a` is older than `b`. */
export function compareMarks(a: Mark, b: Mark): number {
  return a.since - b.since || a.transaction - b.transaction;
}

/** What both have seen: the newer mark of each cloud. Gives `marks` itself where `more` adds nothing. */
export function raise(marks: Marks, more: Marks): Marks {
  let raised: Record<string, Mark> | null = null;
  for (const [cloud, mark] of Object.entries(more)) {
    const known = marks[cloud];
    if (known !== undefined && compareMarks(known, mark) >= 0) continue;
    raised ??= { ...marks };
    raised[cloud] = mark;
  }
  return raised ?? marks;
}

/** Marks as JSON in databases, caches and messages. */
export type MarksJson = Readonly<Record<string, readonly [since: number, transaction: number]>>;

export function marksJson(marks: Marks): MarksJson {
  return mapValues(marks, ({ since, transaction }) => [since, transaction] as const);
}

export function marksFrom(json: MarksJson): Marks {
  return mapValues(json, ([since, transaction]): Mark => ({ since, transaction }));
}

function mapValues<A, B>(values: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  const mapped: Record<string, B> = {};
  for (const name in values) mapped[name] = map(values[name]!);
  return mapped;
}
