/** What the engine answers to a registration: what the cloud would have added to the inputs. */
import type { TypeFacts } from "../providers/facts.ts";
import { type Plan, Secret, Unknown, type Value } from "../resource.ts";
import { isObject, revealAll, type Values } from "./values.ts";

export type Answer = { readonly id: string; readonly state: Values };

/**
 * In `up`, inputs and plausible outputs. In `preview` nothing is known but the inputs: outputs have their shape, and
 * unknown is every one that no input fixes. An empty id is an unknown one.
 */
export function answer(mode: Plan["mode"], facts: TypeFacts, inputs: Values, name: string): Answer {
  const plain = revealAll(inputs, "unknown");
  const outputs = facts.outputs?.(plain, name) ?? {};
  const state = overlay(inputs, outputs, mode === "up" ? (_, output) => output : preview) as Values;
  return { id: mode === "up" ? (facts.id?.(plain, name) ?? `${name}-id`) : "", state };
}

function preview(input: Value | undefined, output: Value): Value {
  if (input !== undefined) return input;
  return output instanceof Secret ? new Secret(Unknown.value) : Unknown.value;
}

type Choose = (input: Value | undefined, output: Value) => Value;

/** Inputs and outputs as one, where `choose` decides on leaves. Lists are joined element by element. */
function overlay(input: Value | undefined, output: Value | undefined, choose: Choose): Value {
  if (output === undefined) return input!;
  if (input instanceof Secret) return new Secret(overlay(input.value, output, choose));
  if (isObject(input) && isObject(output)) {
    const names = new Set([...Object.keys(input), ...Object.keys(output)]);
    return Object.fromEntries([...names].map((name) => [name, overlay(input[name], output[name], choose)]));
  }
  if (Array.isArray(input) && Array.isArray(output)) {
    const longer = input.length > output.length ? input : output;
    return longer.map((_, index) => overlay(input[index], output[index], choose));
  }
  return choose(input, output);
}
