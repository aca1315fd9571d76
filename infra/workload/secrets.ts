import * as pulumi from "@pulumi/pulumi";
import type { SecretName, SecretStore } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { type Bundle, bundles } from "./bundles.ts";
import { labelsOf } from "./labels.ts";

/** What secrets hold, where the cluster itself keeps them. */
export type SecretValues = Readonly<Partial<Record<SecretName, pulumi.Output<string>>>>;

export type SecretsArgs = {
  readonly namespace: pulumi.Input<string>;
  readonly store: SecretStore;
  /** Null where `store` has them. */
  readonly values: SecretValues | null;
  /** Those that the pods read. */
  readonly used: readonly Bundle[];
  readonly tags: Tags;
};

/** The Kubernetes Secrets of the workload: kept up to date from the platform's store, which alone holds what they are. */
export class Secrets extends pulumi.ComponentResource {
  constructor(name: string, args: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Secrets", name, {}, opts);
    if (args.store.provider === null) this.#keep(name, args);
    else this.#fetch(name, args, args.store.provider);
    this.registerOutputs({});
  }

  #fetch(name: string, args: SecretsArgs, provider: pulumi.Input<Record<string, unknown>>) {
    const store = new k8s.apiextensions.CustomResource(
      `${name}-store`,
      {
        apiVersion,
        kind: "ClusterSecretStore",
        metadata: { name: storeName, labels: labelsOf(args.tags) },
        // Whoever may make an ExternalSecret in another namespace gets nothing from here.
        spec: { provider, conditions: [{ namespaces: [args.namespace] }] },
      },
      { parent: this },
    );
    for (const bundle of args.used) {
      new k8s.apiextensions.CustomResource(
        `${name}-${bundle}`,
        {
          apiVersion,
          kind: "ExternalSecret",
          metadata: { ...metadataOf(bundle, args), annotations: { "pulumi.com/waitFor": "condition=Ready" } },
          spec: externalSecretSpec(bundle, args.store),
        },
        { parent: this, dependsOn: [store] },
      );
    }
  }

  #keep(name: string, args: SecretsArgs) {
    for (const bundle of args.used) {
      new k8s.core.v1.Secret(
        `${name}-${bundle}`,
        { metadata: metadataOf(bundle, args), stringData: valuesOf(bundle, args.values ?? {}) },
        { parent: this },
      );
    }
  }
}

const apiVersion = "external-secrets.io/v1";
const storeName = "skykv";

function metadataOf(bundle: Bundle, { namespace, tags }: SecretsArgs) {
  return { name: bundle, namespace, labels: labelsOf(tags) };
}

/** A secret that was removed from the store stays in the cluster: a mistake there must not end what runs. */
export function externalSecretSpec(bundle: Bundle, { keys, fields }: SecretStore) {
  return {
    refreshInterval: "1h0m0s",
    secretStoreRef: { kind: "ClusterSecretStore", name: storeName },
    target: { name: bundle, creationPolicy: "Owner", deletionPolicy: "Retain" },
    data: itemsOf(bundle).map(([secretKey, name]) => {
      const field = fields[name];
      const key = known(name, keys);
      return { secretKey, remoteRef: field === undefined ? { key } : { key, property: field } };
    }),
  };
}

function valuesOf(bundle: Bundle, values: SecretValues) {
  return Object.fromEntries(itemsOf(bundle).map(([item, name]) => [item, known(name, values)]));
}

function itemsOf(bundle: Bundle): [string, SecretName][] {
  return Object.entries(bundles[bundle]);
}

/** @throws RangeError for what is not known: a pod would wait for it for ever */
function known<T>(name: SecretName, all: Readonly<Partial<Record<SecretName, T>>>): T {
  const found = all[name];
  if (found === undefined) throw new RangeError(`expected the platform to have the secret ${name}, found none`);
  return found;
}
