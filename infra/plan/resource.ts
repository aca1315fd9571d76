/** What the program asked for: one registered resource, as the engine of Pulumi would have received it. */
export type PlannedResource = {
  readonly urn: string;
  /** Type token, such as `aws:sqs/queue:Queue` or `skykv:aws:Queue`. */
  readonly type: string;
  /** Logical name. */
  readonly name: string;
  /** URN of the parent; null for the stack itself. */
  readonly parent: string | null;
  /** False for the program's own components, which exist in no cloud. */
  readonly custom: boolean;
  /** True for what is only read: `.get()` and StackReferences. Its inputs are what it is looked up by, `id` among them. */
  readonly external: boolean;
  readonly inputs: Readonly<Record<string, Value>>;
  /** URNs of all that must exist first: explicit ones and those that inputs come from. */
  readonly dependencies: readonly string[];
  /** Which of them each input comes from. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** URN of the provider, empty for the default one. */
  readonly provider: string;
};

/** JSON, and what JSON lacks. */
export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [name: string]: Value }
  | Unknown
  | Secret;

/** A value that exists only after `pulumi up`. */
export class Unknown {
  static readonly value = new Unknown();
  private constructor() {}
}

/** A value that state keeps encrypted and nothing may print. */
export class Secret {
  readonly value: Value;
  constructor(value: Value) {
    this.value = value;
  }
}

/** All that one run of the program on one stack asked for. */
export type Plan = {
  readonly stack: string;
  readonly mode: "preview" | "up";
  /** As a tree: each before its children, siblings by type and name, whatever order they came in. The first is the stack. */
  readonly resources: readonly PlannedResource[];
  /** Of the stack. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** What the program logged. */
  readonly messages: readonly { readonly severity: "debug" | "info" | "warning" | "error"; readonly text: string }[];
};
