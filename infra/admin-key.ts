import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** The first admin key, in the form that the service wants: `skykv_`, 12 characters, `_`, 43 characters. */
export function adminKey(parent: pulumi.Resource): pulumi.Output<string> {
  const part = (name: string, length: number) =>
    new random.RandomPassword(name, { length, special: false }, { parent }).result;
  return pulumi.interpolate`skykv_${part("admin-key-id", 12)}_${part("admin-key-secret", 43)}`;
}
