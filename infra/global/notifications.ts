import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { GlobalConfig } from "../config/global.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";

export type NotificationsArgs = {
  readonly config: GlobalConfig;
  /** Ids of all pools behind the edge; none before there is a cloud. */
  readonly pools: readonly pulumi.Output<string>[];
};

/** Who is told when a cloud or a certificate fails. */
export class Notifications extends pulumi.ComponentResource {
  /** What Cloudflare sends to the webhook as `cf-webhook-auth`; null without one. */
  readonly webhookSecret: pulumi.Output<string> | null;

  constructor(name: string, { config, pools }: NotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Notifications", name, {}, opts);
    const parent = { parent: this };
    const { accountId } = config.cloudflare;
    const { emails, webhook: url } = config.notifications;

    const secret =
      url === undefined ? null : new random.RandomPassword("webhook", { length: 48, special: false }, parent).result;
    const webhook =
      url === undefined || secret === null
        ? null
        : new cloudflare.NotificationPolicyWebhooks(
            "webhook",
            { accountId, name: `SkyKV ${config.domain}`, url, secret },
            parent,
          );
    const mechanisms = {
      ...(emails.length > 0 && { emails: emails.toSorted().map((id) => ({ id })) }),
      ...(webhook && { webhooks: [{ id: webhook.id }] }),
    };
    if (Object.keys(mechanisms).length > 0) {
      for (const [word, alert] of Object.entries(alerts(pools))) {
        new cloudflare.NotificationPolicy(
          word,
          { accountId, name: `SkyKV ${config.domain}: ${word}`, enabled: true, ...alert, mechanisms },
          parent,
        );
      }
    }

    this.webhookSecret = secret;
    this.registerOutputs({});
  }
}

/** By a stable word. */
export function alerts(pools: NotificationsArgs["pools"]) {
  const poolIds = [...pools];
  return {
    ...(poolIds.length > 0 && {
      "cloud-health": {
        alertType: "load_balancing_health_alert",
        description: "A cloud fails its probes, or passes them again",
        filters: { poolIds, newHealths: ["Unhealthy", "Healthy"], eventSources: ["pool"] },
      },
      "cloud-enablement": {
        alertType: "load_balancing_pool_enablement_alert",
        description: "Somebody switches a cloud's pool off or on",
        filters: { poolIds, enableds: ["true", "false"] },
      },
    }),
    "origin-pull-certificate": {
      alertType: "zone_aop_custom_certificate_expiration_type",
      description: "The certificate that Cloudflare shows to the clouds is about to expire",
    },
    "edge-certificate": {
      alertType: "universal_ssl_event_type",
      description: "The certificate that visitors see is renewed, or is not",
    },
  };
}
