import type { ProviderFacts, TypeFacts } from "./facts.ts";

const provider: TypeFacts = { replacedBy: [], tags: null };

/** Pulumi's own types: the providers. StackReferences are answered by the engine, from `stacks.ts`. */
export const facts: ProviderFacts = {
  resources: {
    "pulumi:providers:aws": provider,
    "pulumi:providers:azure-native": provider,
    "pulumi:providers:cloudflare": provider,
    "pulumi:providers:docker-build": provider,
    "pulumi:providers:gcp": provider,
    // Another cluster than before: nothing in it is the same.
    "pulumi:providers:kubernetes": {
      replacedBy: ["kubeconfig", "context", "cluster"],
      identifiedBy: "clusterIdentifier",
      tags: null,
    },
    "pulumi:providers:random": provider,
    "pulumi:providers:tls": provider,
  },
  calls: {},
};
