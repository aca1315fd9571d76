import { namespaceOf, type Path } from "../../service/kv/path.ts";
import { namespaceIn } from "../support/memory/catalog.ts";
import type { MemoryDatabase } from "../support/memory/database.ts";

/** The namespace that may have a home. */
export const homed = "homed";

export function isHomed(path: Path): boolean {
  return namespaceOf(path) === homed;
}

/** How a database knows the home, as one short text. */
export function showHome(db: MemoryDatabase): string {
  const { home, movingTo, homeEpoch } = namespaceIn(db, homed)!;
  return `${home}, moving to ${movingTo}, epoch ${homeEpoch}`;
}
