import * as pulumi from "@pulumi/pulumi";
import type { GlobalConfig } from "../config/global.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";

export type ZoneArgs = { readonly config: GlobalConfig };

/** How Cloudflare treats the whole zone: its settings, its signatures, and who may issue certificates for the domain. */
export class Zone extends pulumi.ComponentResource {
  /** The record that the registrar of the domain must have before DNSSEC is in force. */
  readonly ds: pulumi.Output<string>;

  constructor(name: string, { config }: ZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Zone", name, {}, opts);
    const parent = { parent: this };
    const { zoneId } = config.cloudflare;

    for (const [settingId, value] of Object.entries(zoneSettings(config.edge))) {
      new cloudflare.ZoneSetting(settingId, { zoneId, settingId, value }, parent);
    }
    const dnssec = new cloudflare.ZoneDnssec("dnssec", { zoneId, status: "active" }, parent);
    for (const authority of config.edge.certificateAuthorities) {
      new cloudflare.DnsRecord(`caa-${authority}`, { zoneId, ...caaRecord(config.domain, authority) }, parent);
    }

    this.ds = dnssec.ds;
    this.registerOutputs({ ds: this.ds });
  }
}

const secondsOfDay = 24 * 60 * 60;

/** By the name that the API has for it. */
export function zoneSettings({ hstsDays }: { readonly hstsDays: number }): Readonly<Record<string, unknown>> {
  return {
    // To the clouds: TLS with a certificate that is verified.
    ssl: "strict",
    min_tls_version: "1.2",
    tls_1_3: "on",
    // Early data can be sent again by whoever saw it, and a write would be done twice.
    "0rtt": "off",
    http3: "on",
    always_use_https: "on",
    security_header: {
      strict_transport_security: {
        enabled: hstsDays > 0,
        max_age: hstsDays * secondsOfDay,
        // The zone may hold names that are not ours.
        include_subdomains: false,
        preload: false,
        nosniff: true,
      },
    },
    // Clients of an API cannot answer a challenge, and are told apart by their keys.
    browser_check: "off",
    // Each of these would rewrite stored pages on their way out.
    automatic_https_rewrites: "off",
    email_obfuscation: "off",
    rocket_loader: "off",
  };
}

export function caaRecord(domain: string, authority: string) {
  return {
    name: domain,
    type: "CAA",
    ttl: 3600,
    data: { flags: 0, tag: "issue", value: authority },
    proxied: false,
    comment: "SkyKV",
  };
}
