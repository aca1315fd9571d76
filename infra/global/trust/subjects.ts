/** Who is who in the tokens that the clouds exchange. Pure. */
import { serviceAccount, workloadNamespace } from "../../names.ts";

/** The subject of the one component that writes backups to other clouds: it holds all that they are made of. */
export const backupSubject = `system:serviceaccount:${workloadNamespace}:${serviceAccount("replicator")}`;

/** What a token is made out for, so that none can be used elsewhere. */
export const audiences = { aws: "sts.amazonaws.com", azure: "api://AzureADTokenExchange" } as const;

export const githubIssuer = "https://token.actions.githubusercontent.com";

export type Github = {
  /** `repo:OWNER/REPO`, or `repo:OWNER@ID/REPO@ID` for repositories with immutable subjects. */
  readonly subject: string;
  readonly ownerId: string;
  readonly repositoryId: string;
  readonly environment: string;
};

/** The subject of jobs in the environment. Never a branch or a pull request: an environment can ask for reviewers. */
export function githubSubject({ subject, environment }: Github): string {
  return `${subject}:environment:${environment}`;
}

/**
 * Google Cloud's condition on tokens of GitHub, in CEL. By ids: they stay when a repository is renamed, and whoever takes
 * over the old name does not get them.
 */
export function githubCondition({ ownerId, repositoryId, environment }: Github): string {
  return [
    `assertion.repository_owner_id == "${ownerId}"`,
    `assertion.repository_id == "${repositoryId}"`,
    `assertion.environment == "${environment}"`,
  ].join(" && ");
}
