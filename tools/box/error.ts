/** A reason why the box cannot run, told to its user as one line: what was expected, what was found, what to do. */
export class BoxError extends Error {
  override name = "BoxError";
}
