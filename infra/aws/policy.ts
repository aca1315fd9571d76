/** One statement of an IAM, key, bucket or queue policy. */
export type Statement = {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

/** The policy document, as AWS takes it. */
export function document(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Who may take a role: one service of AWS, within bounds. */
export function trust(
  service: string,
  actions: readonly string[],
  Condition: NonNullable<Statement["Condition"]> = {},
): string {
  return document([{ Sid: "Assume", Effect: "Allow", Principal: { Service: service }, Action: actions, Condition }]);
}

/** Refuses requests over plain HTTP. */
export function tlsOnly(service: "s3" | "sqs" | "sns", ...resources: readonly string[]): Statement {
  return {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: `${service}:*`,
    Resource: resources,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}
