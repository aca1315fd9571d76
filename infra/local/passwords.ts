import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** Of letters and digits: they stand in URLs. */
export type Passwords = Readonly<Record<"database" | "cache" | "queue", pulumi.Output<string>>>;

/** Made once, and kept in the stack's state alone, encrypted. */
export function makePasswords(opts: pulumi.CustomResourceOptions): Passwords {
  const password = (name: string) =>
    new random.RandomPassword(`${name}-password`, { length: 32, special: false }, opts).result;
  return { database: password("database"), cache: password("cache"), queue: password("queue") };
}
