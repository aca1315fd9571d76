// Loaded before Pulumi's language runtime, which turns this on. The SDK takes a stack trace at every resource, to tell the
// engine where it was declared; mapping each to the SDK's own sources takes a quarter of the time of a plan, which has no
// use for it. Positions in the program are right as they are: Node leaves blanks where it strips types.
require("source-map-support").install = () => {};
