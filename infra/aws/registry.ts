import * as pulumi from "@pulumi/pulumi";
import type { Registry as RegistryAnswer } from "../platform.ts";
import { aws } from "../sdk/aws.cjs";
import type { EntityArgs } from "./entity.ts";

export type RegistryArgs = EntityArgs & { readonly key: pulumi.Output<string> };

/** Images of the service. A tag once pushed stays what it is. */
export class Registry extends pulumi.ComponentResource {
  readonly answer: RegistryAnswer;

  constructor(name: string, { config, key, protect, tags }: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Registry", name, {}, opts);
    const parent = { parent: this };
    const repository = new aws.ecr.Repository(
      name,
      {
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: "KMS", kmsKey: key }],
        forceDelete: !protect,
        tags,
      },
      { ...parent, protect },
    );
    new aws.ecr.LifecyclePolicy(name, { repository: repository.name, policy: JSON.stringify(lifecycle) }, parent);

    const token = aws.ecr.getAuthorizationTokenOutput({ registryId: config.accountId }, parent);
    this.answer = {
      id: repository.arn,
      repository: repository.repositoryUrl,
      credentials: pulumi.secret(token.apply(({ userName, password }) => ({ username: userName, password }))),
    };
    this.registerOutputs({ repository: repository.repositoryUrl });
  }
}

/** A running image must never go: the latest hundred are years of releases, and what lost its tag ran in none. */
const lifecycle = {
  rules: [
    {
      rulePriority: 1,
      description: "What has no tag",
      selection: { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: 30 },
      action: { type: "expire" },
    },
    {
      rulePriority: 2,
      description: "All but the latest hundred",
      selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 100 },
      action: { type: "expire" },
    },
  ],
};
