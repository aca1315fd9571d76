import { createHash } from "node:crypto";

/**
 * A physical name where Pulumi makes none up: `words` joined by hyphens, of a-z, 0-9 and single hyphens, beginning with a
 * letter. What has other characters, or is too long, is cut and told apart by a hash of all words, so that two stacks with
 * long or odd names never have one name.
 *
 * @param longest what the service allows; at least 12
 */
export function physicalName(longest: number, ...words: readonly string[]): string {
  const wanted = words.join("-");
  const allowed = wanted
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-$/g, "");
  if (allowed === wanted && wanted.length <= longest) return wanted;
  const hash = createHash("sha256").update(JSON.stringify(words)).digest("hex").slice(0, 8);
  const kept = allowed.slice(0, longest - hash.length - 1).replace(/-$/, "") || "x";
  return `${kept}-${hash}`;
}
