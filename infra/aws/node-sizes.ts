import type { AwsConfig } from "../config/aws.ts";

/** What one zone of `zones` has of the nodes, rounded up: the others must do when a zone is lost. */
export function share({ min, max }: AwsConfig["cluster"]["nodes"], zones: number) {
  const minSize = Math.ceil(min / zones);
  return { minSize, desiredSize: minSize, maxSize: Math.max(minSize, Math.ceil(max / zones)) };
}

/** AWS's own processors have a `g` behind the generation: `m7g`, `c8gn`, `t4g`. */
export function imageType(instanceType: string): string {
  return /^[a-z]+\d+g/.test(instanceType) ? "BOTTLEROCKET_ARM_64" : "BOTTLEROCKET_x86_64";
}
