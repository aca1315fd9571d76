import { createHash } from "node:crypto";
import { Secret } from "../resource.ts";
import type { ProviderFacts } from "./facts.ts";

/** Each change of what a value is made by makes a new one. */
export const facts: ProviderFacts = {
  resources: {
    "random:index/randomId:RandomId": {
      replacedBy: ["byteLength", "keepers", "prefix"],
      tags: null,
      outputs: ({ byteLength }, name) => {
        const hex = digest(name).slice(0, Number(byteLength) * 2);
        const bytes = Buffer.from(hex, "hex");
        const [b64Std, b64Url] = [bytes.toString("base64"), bytes.toString("base64url")];
        return { hex, dec: BigInt(`0x${hex}`).toString(), b64Std, b64Url };
      },
    },
    "random:index/randomPassword:RandomPassword": {
      replacedBy: [
        "keepers",
        "length",
        "lower",
        "minLower",
        "minNumeric",
        "minSpecial",
        "minUpper",
        "number",
        "numeric",
        "overrideSpecial",
        "special",
        "upper",
      ],
      tags: null,
      outputs: ({ length }, name) => ({ result: new Secret(digest(name).repeat(4).slice(0, Number(length))) }),
    },
    "random:index/randomUuid:RandomUuid": {
      replacedBy: ["keepers"],
      tags: null,
      outputs: (_, name) => {
        const hex = digest(name);
        const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
        return { result: [...parts, hex.slice(20, 32)].join("-") };
      },
    },
  },
  calls: {},
};

/** Not random, so that two plans of one program are the same. */
function digest(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}
