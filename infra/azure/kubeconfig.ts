import { parse } from "yaml";

/** The application in Entra that stands for every AKS cluster; tokens are asked for it. */
const aksServerId = "6dae42f8-4368-4678-94ff-3960e28e3630";

type Kubeconfig = {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } },
  ];
};

/**
 * A kubeconfig without a credential: `kubelogin` gets a token as whoever is logged in to the Azure CLI. Its variable
 * AAD_LOGIN_METHOD chooses another way, such as `workloadidentity`. Of the file that Azure hands out only server and
 * certificate authority are taken: what else it holds depends on how the cluster is set up.
 *
 * @param given the file that Azure hands out, in base64
 */
export function kubeconfig(given: string): string {
  const { clusters } = parse(Buffer.from(given, "base64").toString()) as Kubeconfig;
  const { server, "certificate-authority-data": authority } = clusters[0].cluster;
  const name = "skykv";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server, "certificate-authority-data": authority } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1",
            command: "kubelogin",
            args: ["get-token", "--login", "azurecli", "--server-id", aksServerId],
            interactiveMode: "Never",
            provideClusterInfo: false,
          },
        },
      },
    ],
  });
}
