import { createHash } from "node:crypto";
import type { ProviderFacts } from "./facts.ts";

/** Images are built again in place; what was pushed before stays in the registry. */
export const facts: ProviderFacts = {
  resources: {
    "docker-build:index:Image": {
      replacedBy: [],
      // Its `tags` are names in a registry.
      tags: null,
      outputs: ({ tags }) => {
        const [tag] = tags as string[];
        const digest = `sha256:${createHash("sha256").update(tag!).digest("hex")}`;
        return { digest, ref: `${tag}@${digest}`, contextHash: digest.slice(-16) };
      },
    },
  },
  calls: {},
};
