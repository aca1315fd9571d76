import * as pulumi from "@pulumi/pulumi";
import type { AzureConfig } from "../config/azure.ts";
import { type Component, components, serviceAccount, workloadNamespace } from "../names.ts";
import type { Identity as PodIdentity } from "../platform.ts";
import { Identity } from "./identity.ts";
import type { Place } from "./place.ts";

export type IdentitiesArgs = {
  readonly config: AzureConfig;
  readonly place: Place;
  readonly oidcIssuer: pulumi.Output<string>;
};

/** Who pods are in Azure: each component of the service, and the two operators that must ask Azure something. */
export class Identities extends pulumi.ComponentResource {
  readonly of: Readonly<Record<Component, Identity>>;
  /** The External Secrets Operator; null where secrets are in Vault. */
  readonly secrets: Identity | null;
  /** KEDA, which AKS runs; null where it has no queue to ask. */
  readonly scaler: Identity | null;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: IdentitiesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Identities", name, {}, opts);
    const { config, place, oidcIssuer } = args;
    const identity = (word: string, namespace: string, account: string) =>
      new Identity(word, { place, oidcIssuer, serviceAccount: { namespace, name: account } }, { parent: this });

    this.of = recordOf((component) => identity(component, workloadNamespace, serviceAccount(component)));
    this.secrets =
      config.secrets.store === "cloud" ? identity("external-secrets", "external-secrets", "external-secrets") : null;
    this.scaler = config.queue === "servicebus" ? identity("scaler", "kube-system", "keda-operator") : null;
    const all = [...Object.values(this.of), this.secrets, this.scaler].filter((it) => it !== null);
    this.ready = all.map(({ trust }) => trust);
    this.registerOutputs({});
  }

  /** What the pods of each component must carry, and as whom they log in. */
  get contract(): Readonly<Record<Component, PodIdentity>> {
    return recordOf((component) => {
      const { annotations, name, principalId } = this.of[component];
      // PostgreSQL knows an identity by its name, Redis by its object id.
      return { annotations, podLabels, databaseUser: name, cacheUser: principalId };
    });
  }
}

function recordOf<T>(make: (component: Component) => T): Readonly<Record<Component, T>> {
  return Object.fromEntries(components.map((component) => [component, make(component)])) as Record<Component, T>;
}

/** What pods must carry to be given a token. */
const podLabels = { "azure.workload.identity/use": "true" } as const;
