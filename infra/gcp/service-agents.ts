import * as pulumi from "@pulumi/pulumi";
import { gcp } from "../sdk/gcp.cjs";
import type { EntityArgs } from "./entity.ts";

/**
 * Domains of Google's agents: accounts of each project under which a service works in it. The agent of a service is
 * `service-<project number>@<domain>`.
 */
export const agentDomains = {
  artifactregistry: "gcp-sa-artifactregistry.iam.gserviceaccount.com",
  compute: "compute-system.iam.gserviceaccount.com",
  container: "container-engine-robot.iam.gserviceaccount.com",
  memorystore: "gcp-sa-memorystore.iam.gserviceaccount.com",
  pubsub: "gcp-sa-pubsub.iam.gserviceaccount.com",
  secretmanager: "gcp-sa-secretmanager.iam.gserviceaccount.com",
  sqladmin: "gcp-sa-cloud-sql.iam.gserviceaccount.com",
  storage: "gs-project-accounts.iam.gserviceaccount.com",
} as const;
export type Agent = keyof typeof agentDomains;

/** The agent as a member of IAM policies. Known from the configuration, so that a preview shows who gets a right. */
export function agentMember(agent: Agent, projectNumber: string): string {
  return `serviceAccount:service-${projectNumber}@${agentDomains[agent]}`;
}

/** Google makes an agent when it is first needed, which is too late for the rights that it needs then. */
export class ServiceAgents extends pulumi.ComponentResource {
  readonly #made: Readonly<Record<Agent, pulumi.Resource[]>>;
  readonly #storage: pulumi.Output<string>;
  readonly #projectNumber: string;

  constructor(
    name: string,
    { config, services }: Pick<EntityArgs, "config" | "services">,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("skykv:gcp:ServiceAgents", name, {}, opts);
    const made = (agent: Agent) =>
      new gcp.projects.ServiceIdentity(
        agent,
        { service: `${agent}.googleapis.com` },
        { parent: this, dependsOn: services.of(agent) },
      );
    this.#made = {
      artifactregistry: [made("artifactregistry")],
      // Made with the API itself.
      compute: services.of("compute"),
      container: [made("container")],
      memorystore: [made("memorystore")],
      pubsub: [made("pubsub")],
      secretmanager: [made("secretmanager")],
      sqladmin: [made("sqladmin")],
      storage: services.of("storage"),
    };
    // Asking for this one makes it: Cloud Storage has no other way.
    const dependsOn = services.of("storage");
    const asked = gcp.storage.getProjectServiceAccountOutput({ project: config.project }, { parent: this, dependsOn });
    this.#storage = asked.emailAddress.apply((email) => `serviceAccount:${email}`);
    this.#projectNumber = config.projectNumber;
    this.registerOutputs({});
  }

  member(agent: Agent): pulumi.Input<string> {
    return agent === "storage" ? this.#storage : agentMember(agent, this.#projectNumber);
  }

  /** What to depend on before naming the agent. */
  of(agent: Agent): pulumi.Resource[] {
    return this.#made[agent];
  }
}
