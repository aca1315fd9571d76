import type * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";

/**
 * Azure's own protection from deletion, whoever asks. What is granted on a locked resource cannot be taken away either:
 * remove the lock first.
 */
export function lock(name: string, scope: pulumi.Input<string>, opts: pulumi.CustomResourceOptions) {
  return new azure.authorization.ManagementLockByScope(
    name,
    { scope, level: "CanNotDelete", notes: "Holds data. Remove this lock before the resource." },
    opts,
  );
}
