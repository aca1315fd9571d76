import * as pulumi from "@pulumi/pulumi";
import { gcp } from "../sdk/gcp.cjs";

/** The APIs that this platform calls, without their `.googleapis.com`. */
export const apis = [
  "artifactregistry",
  "cloudkms",
  "cloudresourcemanager",
  "compute",
  "container",
  "containerscanning",
  "dns",
  "iam",
  // Pods become service accounts through it.
  "iamcredentials",
  "logging",
  "memorystore",
  "monitoring",
  "networkconnectivity",
  "pubsub",
  "secretmanager",
  // Memorystore makes its endpoints through it.
  "serviceconsumermanagement",
  // Every private endpoint is entered in it, and refused where it is off.
  "servicedirectory",
  "sqladmin",
  "storage",
  "sts",
] as const;
export type Api = (typeof apis)[number];

/** A call to an API that is not enabled fails, so all that calls one waits for it. */
export class Services extends pulumi.ComponentResource {
  readonly #enabled: Readonly<Record<Api, gcp.projects.Service>>;

  constructor(name: string, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Services", name, {}, opts);
    this.#enabled = Object.fromEntries(
      apis.map((api) => [
        api,
        // Others in the project may use the API: it stays when this stack goes.
        new gcp.projects.Service(api, { service: `${api}.googleapis.com`, disableOnDestroy: false }, { parent: this }),
      ]),
    ) as Record<Api, gcp.projects.Service>;
    this.registerOutputs({});
  }

  /** What to depend on before calling these APIs. */
  of(...names: readonly Api[]): pulumi.Resource[] {
    return names.map((api) => this.#enabled[api]);
  }
}
