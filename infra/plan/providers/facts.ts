import type { Value } from "../resource.ts";

export type Inputs = Readonly<Record<string, Value>>;

/**
 * What is known of the types of one provider, one entry for each type and call that the program uses. A type or call
 * that stands in no table stops the plan: nothing is made up.
 */
export type ProviderFacts = {
  readonly resources: Readonly<Record<string, TypeFacts>>;
  /** By token, such as `aws:index/getAvailabilityZones:getAvailabilityZones`: a plausible answer. */
  readonly calls: Readonly<Record<string, (args: Inputs) => Inputs>>;
};

export type TypeFacts = {
  /**
   * What the cloud adds to the inputs: plausible values of every output that the program reads. Secrets among the inputs
   * come as what they hold. A preview asks for the shape alone: there an input that is not known is the text `unknown`.
   */
  readonly outputs?: (inputs: Inputs, name: string) => Inputs;
  /** The id in `up`, where its form matters. Default: `<name>-id`. */
  readonly id?: (inputs: Inputs, name: string) => string;
  /**
   * Inputs whose change replaces the resource, as the provider's documentation has it. `a.b` is a nested input, `a[].b`
   * one of each element; naming an object names all of it.
   */
  readonly replacedBy: readonly string[];
  /** An input that, where it is given, is the only one whose change replaces. */
  readonly identifiedBy?: string;
  /** True for what holds data that a replacement would lose. */
  readonly stateful?: true;
  /** Which input carries tags or labels; null where the type has none. */
  readonly tags: string | null;
  /** Inputs that the cloud shows as the physical name, and what it accepts there; none when the cloud makes the name up. */
  readonly physicalName?: {
    readonly input: string;
    readonly pattern: RegExp;
    /** Two resources of one type may not have one name within it: other inputs that the name is relative to. */
    readonly within?: readonly string[];
  };
};
