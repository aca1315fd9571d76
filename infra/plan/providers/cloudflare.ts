import { createHash } from "node:crypto";
import type { ProviderFacts, TypeFacts } from "./facts.ts";

/**
 * Cloudflare. `replacedBy` is what the Terraform provider, which this one is made from, marks as `RequiresReplace`: little,
 * since most of what Cloudflare has is changed in place, names included. Tags are of DNS records alone, and of paid plans.
 */
const inZone: TypeFacts = { replacedBy: ["zoneId"], tags: null };
const inAccount: TypeFacts = { replacedBy: ["accountId"], tags: null };

/** Ids are 32 hex digits; those of some are UUIDs. */
const hex = (name: string) => createHash("sha256").update(name).digest("hex").slice(0, 32);
const uuid = (name: string) => hex(name).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");

const certificate = (subject: string) => `-----BEGIN CERTIFICATE-----\n${subject}\n-----END CERTIFICATE-----\n`;

export const facts: ProviderFacts = {
  resources: {
    "cloudflare:index/dnsRecord:DnsRecord": { ...inZone, id: (_, name) => hex(name) },
    "cloudflare:index/zoneSetting:ZoneSetting": {
      ...inZone,
      replacedBy: ["zoneId", "settingId"],
      physicalName: { input: "settingId", pattern: /^[a-z0-9_]+$/, within: ["zoneId"] },
    },
    "cloudflare:index/zoneDnssec:ZoneDnssec": {
      ...inZone,
      outputs: () => ({ ds: "example.com. 3600 IN DS 2371 13 2 1F98…" }),
    },
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": { ...inAccount, id: (_, name) => hex(name) },
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": {
      ...inAccount,
      physicalName: { input: "name", pattern: /^[A-Za-z0-9_-]+$/ },
      id: (_, name) => hex(name),
    },
    "cloudflare:index/loadBalancer:LoadBalancer": {
      ...inZone,
      physicalName: { input: "name", pattern: /^[a-z0-9.-]{1,253}$/ },
      id: (_, name) => hex(name),
    },
    // One for each phase: another one fails with "A similar configuration with rules already exists".
    "cloudflare:index/ruleset:Ruleset": {
      ...inZone,
      replacedBy: ["zoneId", "accountId", "kind", "phase", "name"],
      physicalName: { input: "phase", pattern: /^http_[a-z_]+$/, within: ["zoneId"] },
      id: (_, name) => hex(name),
    },
    "cloudflare:index/originCaCertificate:OriginCaCertificate": {
      replacedBy: ["csr", "hostnames", "requestType", "requestedValidity"],
      tags: null,
      outputs: (_, name) => ({ certificate: certificate(name), expiresOn: "2029-11-25T00:00:00Z" }),
    },
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": {
      ...inZone,
      replacedBy: ["zoneId", "certificate"],
      id: (_, name) => uuid(name),
    },
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": inZone,
    "cloudflare:index/notificationPolicy:NotificationPolicy": { ...inAccount, id: (_, name) => uuid(name) },
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks": {
      ...inAccount,
      id: (_, name) => hex(name),
    },
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": {
      ...inAccount,
      replacedBy: ["accountId", "configSrc"],
      physicalName: { input: "name", pattern: /^[a-z0-9.-]{1,253}$/ },
      id: (_, name) => uuid(name),
    },
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": {
      ...inAccount,
      replacedBy: ["accountId", "tunnelId"],
    },
  },
  calls: {
    // Not all of the ranges; the list is on cloudflare.com/ips.
    "cloudflare:index/getIpRanges:getIpRanges": () => ({
      ipv4Cidrs: ["173.245.48.0/20", "103.21.244.0/22", "104.16.0.0/13", "172.64.0.0/13"],
      ipv6Cidrs: ["2400:cb00::/32", "2606:4700::/32"],
      jdcloudCidrs: [],
      etag: "38f79d050aa027e3be3865e495dcc9bc",
    }),
    "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken": ({
      accountId,
      tunnelId,
    }) => ({ accountId: accountId!, tunnelId: tunnelId!, token: "eyJ0b2tlbiI6InR1bm5lbCJ9" }),
  },
};
