import { Secret, Unknown, type Value } from "../resource.ts";
import type { Values } from "./values.ts";

export const stackReferenceType = "pulumi:pulumi:StackReference";

/** By stack, its outputs: JSON, and `Secret` around what is one. */
export type ExampleOutputs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** State of a StackReference to `name`, such as `organization/skykv/global`, with the example outputs of that stack. */
export function exampleStack(stacks: ExampleOutputs): (name: string) => Values {
  return (name) => {
    const outputs = stacks[name.split("/").at(-1)!] as Values | undefined;
    if (outputs === undefined) {
      const known = Object.keys(stacks).join(", ");
      throw new Error(`no example outputs of the stack ${name}, only of ${known}: add them to infra/plan/stacks.ts`);
    }
    const secrets = Object.keys(outputs).filter((output) => outputs[output] instanceof Secret);
    return { name, outputs: outputs as Value, secretOutputNames: secrets };
  };
}

/** State of a StackReference to a stack that was never deployed. */
export function unknownStack(name: string): Values {
  return { name, outputs: Unknown.value, secretOutputNames: Unknown.value };
}
