import type * as pulumi from "@pulumi/pulumi";
import { type Cloud, clouds } from "../../names.ts";
import type { BackupTarget } from "../../stacks.ts";
import type { Tags } from "../../tags.ts";
import type { Github } from "./subjects.ts";

/** What a cloud is told of those whom it shall trust. */
export type ReceiverArgs = {
  readonly tags: Tags;
  readonly region: string;
  /** Issuers of the tokens of the other clouds' clusters. From their stacks alone: a replaced cluster has another. */
  readonly issuers: Readonly<Partial<Record<Cloud, pulumi.Output<string>>>>;
  /** Of this cloud: see `CloudOutputs`. */
  readonly backups: pulumi.Output<string>;
  readonly registry: pulumi.Output<string>;
  readonly github: Github | null;
};

/** A cloud that trusts others. */
export type Receiver = {
  /** By sender: what its pods need to know. */
  readonly targets: Readonly<Partial<Record<Cloud, pulumi.Output<BackupTarget>>>>;
  /** What workflows log in as; null without a repository. */
  readonly github: pulumi.Output<string> | null;
};

/** The same for each cloud that is there, in an order that does not depend on the configuration's. */
export function mapClouds<From, To>(
  given: Readonly<Partial<Record<Cloud, From>>>,
  change: (value: From, cloud: Cloud) => To,
): Partial<Record<Cloud, To>> {
  const there = clouds.filter((cloud) => given[cloud] !== undefined);
  return Object.fromEntries(there.map((cloud) => [cloud, change(given[cloud]!, cloud)]));
}
