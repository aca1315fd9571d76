export type ClusterAccess = {
  readonly name: string;
  readonly region: string;
  readonly endpoint: string;
  /** The certificate authority of the API, in base64. */
  readonly authority: string;
};

/** A kubeconfig without a credential: whoever uses it proves by the AWS CLI who they are. */
export function kubeconfig({ name, region, endpoint, authority }: ClusterAccess): string {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: "aws",
    args: ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
    interactiveMode: "Never",
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: endpoint, "certificate-authority-data": authority } }],
    users: [{ name, user: { exec } }],
  });
}
