import * as pulumi from "@pulumi/pulumi";
import type { GlobalConfig } from "../../config/global.ts";
import { type Cloud, clouds, endpointHost, peersHost } from "../../names.ts";
import type { Certificates as CloudCertificates } from "../../stacks.ts";
import { Authority } from "./authority.ts";
import { Leaf, type LeafArgs } from "./leaf.ts";
import { ServerCertificate } from "./server.ts";

export type CertificatesArgs = { readonly config: GlobalConfig };

/**
 * The certificates of all clouds, also of those that are not there yet: each needs its own before its first pod. All are of
 * the first generation that the configuration names; the authorities of the others are trusted beside it.
 */
export class Certificates extends pulumi.ComponentResource {
  /** A secret as a whole. */
  readonly ofClouds: pulumi.Output<Readonly<Record<Cloud, CloudCertificates>>>;
  /** In PEM, one after the other: those that sign the peers', and what Cloudflare shows to the clouds. */
  readonly peerCa: pulumi.Output<string>;
  readonly originPullCa: pulumi.Output<string>;
  /** What Cloudflare shows to the clouds. */
  readonly originPull: Leaf;

  constructor(name: string, { config }: CertificatesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Certificates", name, {}, opts);
    const parent = { parent: this };
    const { authorities: generations, domain } = config;
    const generation = generations[0]!;
    const authoritiesOf = (purpose: string) =>
      generations.map(
        (word) => new Authority(`${purpose}-${word}`, { commonName: `SkyKV ${purpose} ${domain} ${word}` }, parent),
      );
    const peerAuthorities = authoritiesOf("peers");
    const pullAuthorities = authoritiesOf("origin-pulls");

    const ofCloud = (cloud: Cloud) => ({
      server: pair(
        new ServerCertificate(`${cloud}-server-${generation}`, { hosts: serverHosts(cloud, domain) }, parent),
      ),
      peer: pair(new Leaf(`${cloud}-peers-${generation}`, peerOf(cloud, domain, peerAuthorities[0]!), parent)),
    });
    const all = Object.fromEntries(clouds.map((cloud) => [cloud, ofCloud(cloud)]));
    this.ofClouds = pulumi.secret(pulumi.output(all as Record<Cloud, ReturnType<typeof ofCloud>>));
    this.originPull = new Leaf(
      `cloudflare-${generation}`,
      {
        authority: pullAuthorities[0]!,
        commonName: `Cloudflare for ${domain}`,
        dnsNames: [],
        // The only one that Cloudflare documents for it.
        algorithm: "RSA",
        uses: ["client_auth"],
      },
      parent,
    );

    this.peerCa = bundle(peerAuthorities);
    this.originPullCa = bundle(pullAuthorities);
    this.registerOutputs({ peerCa: this.peerCa, originPullCa: this.originPullCa });
  }
}

/** The store's own name too: probes and requests ask for the cloud's, but nothing breaks where one does not. */
function serverHosts(cloud: Cloud, domain: string): [string, string] {
  return [endpointHost(cloud, domain), domain];
}

/** As a server and as a client: each cloud calls the others. They know each other by the common name: addresses move. */
function peerOf(cloud: Cloud, domain: string, authority: Authority): LeafArgs {
  const dnsNames = [peersHost(cloud, domain)];
  return { authority, commonName: cloud, dnsNames, algorithm: "ECDSA", uses: ["server_auth", "client_auth"] };
}

function pair({ certificate, key }: Leaf | ServerCertificate) {
  return { certificate, key };
}

function bundle(authorities: readonly Authority[]): pulumi.Output<string> {
  return pulumi.all(authorities.map(({ certificate }) => certificate)).apply((all) => all.join(""));
}
