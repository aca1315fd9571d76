import { SkyKVError } from "../client.ts";

/** What the shell learns of how it ended; `skykv --help` lists them. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conditionFailed: 4,
  unauthorized: 5,
  /** Written, but other clouds did not confirm it in time: not a failure. */
  unconfirmed: 6,
} as const;

export const exitHelp = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 condition failed, 5 not authorized,\n6 written here, perhaps not in other clouds.`;

/** Ends the command: the message goes to stderr. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function usage(message: string): Exit {
  return new Exit(exitCodes.usage, message);
}

export function notFound(what: string): Exit {
  return new Exit(exitCodes.notFound, `${what} is not there`);
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Exit) return error.code;
  if (!(error instanceof SkyKVError) || error.code === "unexpected-answer") return exitCodes.failed;
  if (error.code === "unconfirmed") return exitCodes.unconfirmed;
  if (error.status === 404) return exitCodes.notFound;
  if (error.status === 412) return exitCodes.conditionFailed;
  return error.status === 401 || error.status === 403 ? exitCodes.unauthorized : exitCodes.failed;
}

/** One line for stderr. */
export function messageOf(error: unknown): string {
  if (error instanceof SkyKVError) {
    const current =
      error.status === 412 ? `; the entry is ${error.current === null ? "absent" : `at ${error.current}`}` : "";
    return `${error.message}${current}${error.requestId === null ? "" : ` [request ${error.requestId}]`}`;
  }
  return error instanceof Error ? error.message : String(error);
}
