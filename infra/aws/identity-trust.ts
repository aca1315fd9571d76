import { trust } from "./policy.ts";

/** A Kubernetes ServiceAccount of one cluster. */
export type Pod = { readonly clusterArn: string; readonly namespace: string; readonly serviceAccount: string };

/** Who may take a role: pods of one ServiceAccount of one cluster, as EKS vouches for them by the tags of the session. */
export function podTrust({ clusterArn, namespace, serviceAccount }: Pod): string {
  return trust("pods.eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"], {
    StringEquals: {
      "aws:RequestTag/eks-cluster-arn": clusterArn,
      "aws:RequestTag/kubernetes-namespace": namespace,
      "aws:RequestTag/kubernetes-service-account": serviceAccount,
    },
  });
}
