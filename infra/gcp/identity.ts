import * as pulumi from "@pulumi/pulumi";
import { type Component, components, serviceAccount, workloadNamespace } from "../names.ts";
import { gcp } from "../sdk/gcp.cjs";
import type { Cluster } from "./cluster.ts";
import { workloadPool } from "./cluster-args.ts";
import { type EntityArgs, longestAccountId } from "./entity.ts";

/** A ServiceAccount of Kubernetes. */
type Pod = { readonly namespace: string; readonly name: string };

/** Who has a service account of Google Cloud: the parts of the service, and the operator that reads their secrets. */
export type Who = Component | "secrets";

const pods: Readonly<Record<Who, Pod>> = {
  ...(Object.fromEntries(
    components.map((component) => [component, { namespace: workloadNamespace, name: serviceAccount(component) }]),
  ) as Record<Component, Pod>),
  secrets: { namespace: "external-secrets", name: "external-secrets" },
};

const everyone = Object.keys(pods) as Who[];

type Accounts = Readonly<Record<Who, gcp.serviceaccount.Account>>;

export type IdentityArgs = EntityArgs & { readonly cluster: Cluster };

/** Service accounts that pods of one ServiceAccount each can be, with no key: their tokens live for an hour. */
export class Identity extends pulumi.ComponentResource {
  readonly #accounts: Accounts;
  /** What a pod waits for to be somebody. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: IdentityArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Identity", name, {}, opts);
    const { config, services, cluster, nameOf } = args;
    const account = (who: Who) =>
      new gcp.serviceaccount.Account(
        who,
        { accountId: nameOf(longestAccountId, who), displayName: `SkyKV ${who}` },
        { parent: this, dependsOn: services.of("iam", "iamcredentials") },
      );
    this.#accounts = Object.fromEntries(everyone.map((who) => [who, account(who)])) as Accounts;
    this.ready = everyone.map(
      (who) =>
        new gcp.serviceaccount.IAMMember(
          who,
          {
            serviceAccountId: this.#accounts[who].name,
            role: "roles/iam.workloadIdentityUser",
            member: podMember(config.project, pods[who]),
          },
          // The pool that the member is in comes with the project's first cluster.
          { parent: this, dependsOn: [...cluster.ready] },
        ),
    );
    this.registerOutputs({});
  }

  email(who: Who): pulumi.Output<string> {
    return this.#accounts[who].email;
  }

  /** As IAM policies name it. */
  member(who: Who): pulumi.Output<string> {
    return this.#accounts[who].member;
  }

  /** What the ServiceAccount must carry. */
  annotations(who: Who): Record<string, pulumi.Output<string>> {
    return { "iam.gke.io/gcp-service-account": this.email(who) };
  }
}

/** The pods of a ServiceAccount, as those who may be a service account of Google Cloud. */
export function podMember(project: string, { namespace, name }: Pod): string {
  return `serviceAccount:${workloadPool(project)}[${namespace}/${name}]`;
}

/** The pods of a ServiceAccount as themselves, for what needs no service account of Google Cloud. */
export function podPrincipal(projectNumber: string, project: string, { namespace, name }: Pod): string {
  const pool = `projects/${projectNumber}/locations/global/workloadIdentityPools/${workloadPool(project)}`;
  return `principal://iam.googleapis.com/${pool}/subject/ns/${namespace}/sa/${name}`;
}
