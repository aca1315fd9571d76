/**
 * Why the certificate that Cloudflare gives to each zone, for the zone and one name below it, is none for the domain. Null
 * where it is one.
 */
export function uncovered(domain: string, zone: string): string | null {
  if (domain === zone) return null;
  const [label = "", ...rest] = domain.split(".");
  if (rest.join(".") === zone) return null;
  return `expected the zone ${zone} or one name below it, such as ${label}.${zone}, as Cloudflare's certificate covers no others, found ${domain}`;
}
