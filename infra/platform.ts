import type * as pulumi from "@pulumi/pulumi";
import type { Cloud, Component } from "./names.ts";
import type { k8s } from "./sdk/k8s.cjs";

/**
 * What one cloud provides to the workload. A contract of answers, not a common denominator: each cloud uses its own
 * services fully, and says here how to reach them. Nothing in it is a secret; those are taken from the cloud's store by name.
 */
export type Platform = WorkloadPlatform & {
  readonly cloud: Cloud;
  readonly registry: Registry;
  readonly ingress: Ingress;
  /** Public addresses from which its pods reach the other clouds. */
  readonly egressAddresses: pulumi.Output<readonly string[]>;
  /** Issuer of the ServiceAccounts' tokens, which other clouds trust. */
  readonly oidcIssuer: pulumi.Output<string>;
  /** Where other clouds may put backups: a bucket's name, or the resource id of a blob container. */
  readonly backups: pulumi.Output<string>;
};

/** The part of it that the workload needs, which any cluster can provide. */
export type WorkloadPlatform = {
  readonly cloud: Cloud | "local";
  readonly region: string;
  /** For the objects of the workload. Its kubeconfig holds no credential: it names the program that gets one. */
  readonly kubernetes: k8s.Provider;
  readonly database: Database;
  readonly cache: Cache;
  readonly queue: Queue;
  readonly blobs: Blobs;
  /** Null where the image is given. */
  readonly registry: Registry | null;
  readonly identities: Readonly<Record<Component, Identity>>;
  readonly ingress: Ingress;
  readonly secrets: SecretStore;
  /** Null where the cluster has no KEDA: then replicators are scaled by their CPU. */
  readonly scaler: Scaler | null;
  /**
   * What must exist before the first pod: name records, network links, rights. A host name alone says nothing of them, and a
   * client that resolved it too early keeps the wrong answer.
   */
  readonly ready: readonly pulumi.Resource[];
};

/** How a client proves who it is. All but `password` are by the pod's own identity, with tokens that live for minutes. */
export type Login = "aws-iam" | "gcp-iam" | "entra" | "password";

export type Database = {
  readonly host: pulumi.Input<string>;
  readonly port: number;
  readonly name: string;
  /** Certificates in PEM that sign the server's; null where those of the operating system do. */
  readonly ca: pulumi.Input<string> | null;
  readonly login: Login;
};

export type Cache = {
  readonly host: pulumi.Input<string>;
  readonly port: number;
  /** Speaks the cluster protocol: the host is where clients learn of the nodes. */
  readonly cluster: boolean;
  readonly tls: boolean;
  readonly ca: pulumi.Input<string> | null;
  readonly login: Login;
};

/** Where hints go. `postgres`: through the database, with nothing of its own. */
export type Queue =
  | { readonly kind: "postgres" }
  | { readonly kind: "sqs"; readonly url: pulumi.Input<string>; readonly region: string }
  | { readonly kind: "pubsub"; readonly topic: pulumi.Input<string>; readonly subscription: pulumi.Input<string> }
  /** The namespace by its name alone, without a domain. */
  | { readonly kind: "servicebus"; readonly namespace: pulumi.Input<string>; readonly queue: pulumi.Input<string> }
  /** User and password are the secrets `queue-user` and `queue-password`, of letters and digits: URLs are made of them. */
  | { readonly kind: "rabbitmq"; readonly host: pulumi.Input<string>; readonly port: number; readonly tls: boolean };

/** Where values above 1 MiB go. */
export type Blobs =
  | { readonly kind: "s3"; readonly bucket: pulumi.Input<string>; readonly region: string }
  | { readonly kind: "gcs"; readonly bucket: pulumi.Input<string> }
  | { readonly kind: "azure"; readonly account: pulumi.Input<string>; readonly container: pulumi.Input<string> }
  /** A volume that all pods share. Storage class null: the cluster's default. */
  | {
      readonly kind: "volume";
      readonly size: string;
      readonly storageClass: string | null;
      readonly accessMode: "ReadWriteOnce" | "ReadWriteMany";
    };

export type Registry = {
  /** For granting the right to push: the repository's ARN, its `projects/P/locations/L/repositories/R`, the registry's resource id. */
  readonly id: pulumi.Output<string>;
  /** Repository of the service's image, without a tag. */
  readonly repository: pulumi.Input<string>;
  /** For pushing. Null: those that Docker is logged in with (`az acr login`, `gcloud auth configure-docker`). */
  readonly credentials: pulumi.Output<{ readonly username: string; readonly password: string }> | null;
};

/** What the ServiceAccount and the pods of a component must carry to be somebody in the cloud. */
export type Identity = {
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly databaseUser: pulumi.Input<string>;
  readonly cacheUser: pulumi.Input<string>;
};

export type LoadBalancer = {
  /** By a stable word, such as the letter of its zone. */
  readonly addresses: Readonly<Record<string, pulumi.Output<string>>>;
  /** What the Service of type LoadBalancer must carry to get these addresses. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
  readonly loadBalancerClass: string | null;
};

/** Public load balancers of the two ports. `api` is null where a tunnel leads to it, or the cluster has its own way. */
export type Ingress = { readonly api: LoadBalancer | null; readonly peers: LoadBalancer | null };

/** Names of the secrets that the workload needs, and what they hold. */
export const secretNames = {
  adminKey: "admin-key",
  serverCertificate: "server-certificate",
  serverKey: "server-key",
  peerCertificate: "peer-certificate",
  peerKey: "peer-key",
  queueUser: "queue-user",
  queuePassword: "queue-password",
  /** Only where `login` is `password`; letters and digits, as for the queue. */
  databasePassword: "database-password",
  cachePassword: "cache-password",
  /** By whom the migration makes the database's users, where the cloud does not make them itself (AWS). */
  databaseAdminUser: "database-admin-user",
  databaseAdminPassword: "database-admin-password",
  tunnelToken: "tunnel-token",
} as const;
export type SecretName = (typeof secretNames)[keyof typeof secretNames];

/**
 * Who KEDA is when it asks the queue how long it is, as ServiceAccount `keda-operator`. It may do that and nothing more: AWS
 * `sqs:GetQueueAttributes`; Google Cloud `roles/monitoring.viewer`, since the length is a metric there; Azure the runtime properties of
 * the Service Bus queue. With the queue in PostgreSQL it asks nothing.
 */
export type Scaler = {
  /** The cloud runs it (AKS, in namespace `kube-system`); otherwise it is installed, in namespace `keda`. */
  readonly managed: boolean;
  /** What its ServiceAccount must carry, where it is installed. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
  /** Client id of the identity that it takes by federation (Azure); null where it is somebody by itself. */
  readonly clientId: pulumi.Input<string> | null;
};

/** From where, and by whom, the External Secrets Operator reads. */
export type SecretStore = {
  /** The `provider` of its ClusterSecretStore; null: they are Kubernetes secrets already. */
  readonly provider: pulumi.Input<Record<string, unknown>> | null;
  /** What the operator's own ServiceAccount must carry. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
  /** The key under which the store has a secret, for the secrets that exist. */
  readonly keys: Readonly<Partial<Record<SecretName, pulumi.Input<string>>>>;
  /** For those that are one field of a JSON object under their key (ESO: `property`): its name. */
  readonly fields: Readonly<Partial<Record<SecretName, string>>>;
};
