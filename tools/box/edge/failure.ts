/** Why a cloud gave no answer, in the statuses that Cloudflare has for it. Pure. */

export type Failure = { readonly status: FailureStatus; readonly detail: string };

export type FailureStatus = keyof typeof meanings;

/** Each with what Cloudflare means by it. */
const meanings = {
  520: "the connection broke before an answer",
  521: "the connection was refused",
  522: "no connection came about in time",
  523: "the address cannot be reached",
  524: "no answer came in time",
  525: "the TLS handshake failed",
  526: "the certificate is not valid",
  530: "the name cannot be resolved",
} as const;

/** Without a connection nothing was sent, so the next cloud is asked. The others are final: the request may have been carried out. */
const retried: ReadonlySet<FailureStatus> = new Set([521, 522, 523, 525, 526]);

export function isRetried({ status }: Failure): boolean {
  return retried.has(status);
}

/** What a request is destroyed with when time is up. */
export class TimeUp extends Error {
  readonly code = "TIME_UP";
}

/** Of a connection that did not come about. `encrypted`: TLS was to follow. */
export function connectFailure(error: NodeJS.ErrnoException, encrypted: boolean): Failure {
  return failure(connectStatus(error.code ?? "", encrypted), error);
}

/** Of a request that was sent. */
export function answerFailure(error: NodeJS.ErrnoException): Failure {
  return failure(error instanceof TimeUp ? 524 : 520, error);
}

function connectStatus(code: string, encrypted: boolean): FailureStatus {
  if (code === "ECONNREFUSED") return 521;
  if (code === "TIME_UP" || code === "ETIMEDOUT") return 522;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH" || code === "EADDRNOTAVAIL") return 523;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return 530;
  if (certificateFault.test(code)) return 526;
  return encrypted ? 525 : 520;
}

/** OpenSSL's names for what is wrong with a certificate, and Node's for a name that is not in it. */
const certificateFault = /CERT|CRL|ISSUER|SELF_SIGNED/;

function failure(status: FailureStatus, error: NodeJS.ErrnoException): Failure {
  return { status, detail: `${meanings[status]} (${error.code ?? error.message})` };
}
