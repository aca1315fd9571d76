import * as pulumi from "@pulumi/pulumi";
import { dataNamespace, workloadNamespace } from "../names.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { type Labels, labelsOf } from "../workload/labels.ts";
import { containerSecurity, podDefaults, scratch } from "../workload/pod.ts";
import { claimIgnores } from "../workload/storage.ts";
import { inNamespaces, tcp } from "../workload/traffic.ts";

type Container = k8s.types.input.core.v1.Container;

export type Disk = { readonly path: string; readonly size: string; readonly storageClass: string | null };

export type ServerArgs = {
  /** Once its namespace exists. */
  readonly namespace: pulumi.Input<string>;
  readonly tags: Tags;
  readonly protect: boolean;
  readonly image: string;
  /** The image's own user. */
  readonly user: number;
  readonly port: number;
  /** Null for what may forget everything. */
  readonly disk: Disk | null;
  /** Folders in which it writes what it need not keep. */
  readonly scratch: readonly string[];
  /** Files that hold secrets, by path: its own settings alone. */
  readonly files: Readonly<Record<string, pulumi.Output<string>>>;
  readonly memory: string;
  readonly container: Pick<Container, "args" | "env" | "readinessProbe" | "livenessProbe">;
};

/** One server of the kind that clouds run for one: a single pod with its disk, reached by the workload alone. */
export class Server extends pulumi.ComponentResource {
  /** Host name inside of the cluster. */
  readonly host: string;

  constructor(name: string, args: ServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:local:Server", name, {}, opts);
    const { namespace, tags, port, protect } = args;
    const parent = { parent: this };
    const selector = { "app.kubernetes.io/name": name };
    const metadata = { name, namespace, labels: { ...labelsOf(tags), ...selector } };

    const secret = new k8s.core.v1.Secret(name, { metadata, stringData: namedFiles(args.files) }, parent);
    const disk = args.disk === null ? null : claim(name, args.disk, metadata, { ...parent, protect });
    new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selector },
          policyTypes: ["Ingress"],
          ingress: [{ from: inNamespaces(workloadNamespace), ports: tcp(port) }],
        },
      },
      parent,
    );
    new k8s.core.v1.Service(name, { metadata, spec: { clusterIP: "None", selector, ports: [{ port }] } }, parent);
    const template = podTemplate(name, selector, args, secret.metadata.name, disk);
    const spec = { serviceName: name, replicas: 1, selector: { matchLabels: selector }, template };
    new k8s.apps.v1.StatefulSet(name, { metadata, spec }, { ...parent, protect });
    this.host = `${name}.${dataNamespace}.svc.cluster.local`;
    this.registerOutputs({ host: this.host });
  }
}

/**
 * A claim of its own and no template of the StatefulSet, which is replaced when that changes. Many classes make a volume with
 * the first pod that mounts it, so it is not waited for.
 */
function claim(
  name: string,
  { size, storageClass }: Disk,
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const made = new k8s.core.v1.PersistentVolumeClaim(
    name,
    {
      metadata: { ...metadata, annotations: { "pulumi.com/skipAwait": "true" } },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: size } },
        ...(storageClass !== null && { storageClassName: storageClass }),
      },
    },
    { ...opts, ignoreChanges: claimIgnores },
  );
  return made.metadata.name;
}

function podTemplate(
  name: string,
  labels: Labels,
  args: ServerArgs,
  secretName: pulumi.Input<string>,
  claimName: pulumi.Input<string> | null,
): k8s.types.input.core.v1.PodTemplateSpec {
  const { image, user, port, memory } = args;
  const folders = args.scratch.map((path) => scratch(path.slice(1).replaceAll("/", "-"), path, "64Mi"));
  const files = Object.keys(args.files).map((path) => ({
    name: "files",
    mountPath: path,
    subPath: keyOf(path),
    readOnly: true,
  }));
  return {
    metadata: { labels },
    spec: {
      ...podDefaults(user),
      // A database that ends in its own time need not recover.
      terminationGracePeriodSeconds: 120,
      containers: [
        {
          name,
          image,
          ports: [{ name: "server", containerPort: port }],
          resources: { requests: { cpu: "250m", memory }, limits: { memory } },
          securityContext: containerSecurity,
          volumeMounts: [
            ...files,
            ...folders.map(({ volume, path }) => ({ name: volume.name, mountPath: path })),
            ...(args.disk === null ? [] : [{ name: "disk", mountPath: args.disk.path }]),
          ],
          ...args.container,
        },
      ],
      volumes: [
        { name: "files", secret: { secretName, defaultMode: 0o440 } },
        ...folders.map(({ volume }) => volume),
        ...(claimName === null ? [] : [{ name: "disk", persistentVolumeClaim: { claimName } }]),
      ],
    },
  };
}

function namedFiles(files: ServerArgs["files"]) {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [keyOf(path), content]));
}

/** Keys of a Secret are names of files. */
function keyOf(path: string): string {
  return path.split("/").at(-1)!;
}
