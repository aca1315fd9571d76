import { all, type Rules } from "../bill.ts";
import { textAt } from "../inputs.ts";
import { line } from "../line.ts";

/** What costs the same, or nothing, whatever cloud it is in. */
export const common: Rules = {
  // There is one for the zone, whose plan it stands for.
  "cloudflare:index/zoneDnssec:ZoneDnssec": (_, { cloudflarePlan: plan }) => {
    if (plan === "enterprise") return { uncounted: "the zone's plan enterprise, whose price is a contract's" };
    return plan === "free" ? [] : [line("edge", `cloudflare ${plan}`, 1, "cloudflare.plan")];
  },
  "cloudflare:index/loadBalancer:LoadBalancer": (balancer, { clouds, cloudflarePlan }) => [
    line("edge", "cloudflare load balancer", 1, "clouds"),
    // Two are part of it.
    line("edge", "cloudflare further endpoint", Math.max(0, clouds - 2), "clouds"),
    ...(textAt(balancer, "steeringPolicy") === "geo" && cloudflarePlan !== "enterprise"
      ? [line("edge", "cloudflare traffic steering", 1, "steering.policy")]
      : []),
  ],
  ...all({ uncounted: "DNS queries beyond 500,000 a month" }, "cloudflare:index/dnsRecord:DnsRecord"),
  ...all(
    { free: "part of the zone's plan and of the load balancer" },
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate",
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings",
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor",
    "cloudflare:index/loadBalancerPool:LoadBalancerPool",
    "cloudflare:index/notificationPolicy:NotificationPolicy",
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks",
    "cloudflare:index/originCaCertificate:OriginCaCertificate",
    "cloudflare:index/ruleset:Ruleset",
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig",
    "cloudflare:index/zoneSetting:ZoneSetting",
  ),
  ...all(
    { free: "pods are paid for by the machines or the cluster that they run on" },
    "kubernetes:apps/v1:Deployment",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "kubernetes:batch/v1:Job",
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:keda.sh/v1alpha1:ScaledObject",
  ),
  ...all(
    { free: "objects of Kubernetes cost nothing" },
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy",
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:ServiceAccount",
    "kubernetes:external-secrets.io/v1:ClusterSecretStore",
    "kubernetes:external-secrets.io/v1:ExternalSecret",
    "kubernetes:keda.sh/v1alpha1:TriggerAuthentication",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "kubernetes:policy/v1:PodDisruptionBudget",
  ),
  ...all(
    { free: "made by the program itself" },
    "docker-build:index:Image",
    "pulumi:providers:aws",
    "pulumi:providers:azure-native",
    "pulumi:providers:cloudflare",
    "pulumi:providers:docker-build",
    "pulumi:providers:gcp",
    "pulumi:providers:kubernetes",
    "random:index/randomId:RandomId",
    "random:index/randomPassword:RandomPassword",
    "random:index/randomUuid:RandomUuid",
    "tls:index/certRequest:CertRequest",
    "tls:index/locallySignedCert:LocallySignedCert",
    "tls:index/privateKey:PrivateKey",
    "tls:index/selfSignedCert:SelfSignedCert",
  ),
};
