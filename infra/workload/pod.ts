import type * as pulumi from "@pulumi/pulumi";
import { type Component, serviceAccount } from "../names.ts";
import type { Identity } from "../platform.ts";
import type { k8s } from "../sdk/k8s.cjs";
import { authoritiesFolder, type Bundle, bundleFolder } from "./bundles.ts";
import { type Environment, type Variable, volumeFolder } from "./environment.ts";
import { selectorOf } from "./labels.ts";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Container = k8s.types.input.core.v1.Container;
type Volume = k8s.types.input.core.v1.Volume;

export type PodArgs = {
  readonly component: Component;
  readonly image: pulumi.Input<string>;
  readonly environment: Environment;
  readonly identity: Identity;
  readonly size: { readonly cpu: string; readonly memory: string };
  /** The claim of the volume for large values; null where they go elsewhere. */
  readonly claim: pulumi.Input<string> | null;
  /** What only this component has. */
  readonly container: Omit<Container, "name">;
  readonly pod: Omit<PodSpec, "containers">;
};

/** A pod of the service: one process, by the rules of the Pod Security standard `restricted` and stricter. */
export function podTemplate(args: PodArgs): k8s.types.input.core.v1.PodTemplateSpec {
  const { component, image, environment, identity, size, claim } = args;
  const volumes = volumesOf(environment, claim);
  return {
    metadata: { labels: { ...selectorOf(component), ...identity.podLabels } },
    spec: {
      serviceAccountName: serviceAccount(component),
      ...podDefaults(serviceUser),
      containers: [
        {
          name: component,
          image,
          env: Object.entries(environment).map(([name, variable]) => toEnvVar(name, variable)),
          // No limit of CPU: it would slow a process down beside idle cores, and one process uses one core at most.
          resources: {
            requests: { cpu: size.cpu, memory: size.memory, "ephemeral-storage": "256Mi" },
            limits: { memory: size.memory, "ephemeral-storage": "256Mi" },
          },
          securityContext: containerSecurity,
          volumeMounts: volumes.map(({ path, readOnly, volume }) => ({ name: volume.name, mountPath: path, readOnly })),
          ...args.container,
        },
      ],
      volumes: volumes.map(({ volume }) => volume),
      ...args.pod,
    },
  };
}

/** The image's user: nobody, by the number that distroless images have. */
export const serviceUser = 65532;

/**
 * What every pod here has. The token for the API of Kubernetes is in none: nothing asks it, and the clouds' own identities
 * bring their tokens themselves. Links to Services would put their addresses into the environment, among the settings.
 */
export function podDefaults(user: number): Omit<PodSpec, "containers"> {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

function toEnvVar(name: string, variable: Variable): k8s.types.input.core.v1.EnvVar {
  if ("value" in variable) return { name, value: variable.value };
  if ("file" in variable) return { name, value: variable.file };
  return { name, valueFrom: { secretKeyRef: { name: variable.secret, key: variable.item } } };
}

type Mounted = {
  readonly path: string;
  readonly readOnly: boolean;
  readonly volume: Volume & { readonly name: string };
};

function volumesOf(environment: Environment, claim: PodArgs["claim"]): readonly Mounted[] {
  const sources = new Set(
    Object.values(environment).flatMap((variable) => ("file" in variable ? [variable.from] : [])),
  );
  return [
    scratch("tmp", "/tmp", "64Mi"),
    ...[...sources].sort().map((source) => (source === "authorities" ? authorities : secretFiles(source))),
    ...(claim === null
      ? []
      : [
          {
            path: volumeFolder,
            readOnly: false,
            volume: { name: "blobs", persistentVolumeClaim: { claimName: claim } },
          },
        ]),
  ];
}

/** The only place where a container may write and nothing is kept. */
export function scratch(name: string, path: string, sizeLimit: string): Mounted {
  return { path, readOnly: false, volume: { name, emptyDir: { sizeLimit } } };
}

const authorities: Mounted = {
  path: authoritiesFolder,
  readOnly: true,
  volume: { name: "authorities", configMap: { name: "authorities" } },
};

/** Files and not variables: what a process is told in its environment its children inherit, and files are renewed in place. */
export function secretFiles(bundle: Bundle): Mounted {
  return {
    path: bundleFolder(bundle),
    readOnly: true,
    volume: { name: bundle, secret: { secretName: bundle, defaultMode: 0o440 } },
  };
}

/** All bundles that pods with these environments read. */
export function bundlesOf(environments: readonly Environment[]): readonly Bundle[] {
  const used = environments.flatMap((environment) =>
    Object.values(environment).flatMap((variable) => {
      if ("secret" in variable) return [variable.secret];
      return "file" in variable && variable.from !== "authorities" ? [variable.from] : [];
    }),
  );
  return [...new Set(used)].sort();
}
