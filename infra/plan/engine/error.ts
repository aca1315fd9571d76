/** Why there is no plan: the program's own words, or what the engine lacks. All of it at once. */
export class PlanError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "PlanError";
    this.problems = problems;
  }
}
