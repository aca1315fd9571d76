import type { Tags } from "../tags.ts";

export type Labels = Readonly<Record<string, string>>;

/** Values of labels are at most 63 of a-z, 0-9, _ and -; a stack's name may have capitals and dots, and be longer. */
export function labelsOf(tags: Tags): Labels {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, labelValue(value)]));
}

function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "-")
    .slice(0, 63);
}
