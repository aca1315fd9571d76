/** How Google Cloud knows others, and its own things by name. Pure. */
import { backupSubject, type Github, githubCondition } from "../subjects.ts";

/** The claim that names a principal, at most 127 bytes long, its value, and which tokens are taken, in CEL. */
export type Claims = { readonly claim: string; readonly value: string; readonly condition: string };

export const backupClaims: Claims = {
  claim: "assertion.sub",
  value: backupSubject,
  condition: `assertion.sub == "${backupSubject}"`,
};

/** Named by the repository's id: a subject of GitHub may be longer than the 127 bytes that are taken. */
export function githubClaims(github: Github): Claims {
  return { claim: "assertion.repository_id", value: github.repositoryId, condition: githubCondition(github) };
}

/** 4-32 of a-z 0-9 -, not beginning with `gcp-`. */
export function poolId(word: string, suffix: string): string {
  return `skykv-${word}-${suffix}`;
}

/** @param name `projects/P/locations/L/repositories/R` */
export function parseRepository(name: string): { readonly location: string; readonly repository: string } {
  const [, location, repository] = /^projects\/[^/]+\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(name) ?? [];
  if (location === undefined || repository === undefined) {
    throw new RangeError(`expected projects/P/locations/L/repositories/R, found ${name}`);
  }
  return { location, repository };
}
