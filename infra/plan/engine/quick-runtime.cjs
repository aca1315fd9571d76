// Loaded before Pulumi's language runtime. What it takes out is half of the time of a plan, which has no use for it.

// Stack traces. The SDK takes one at every resource, to tell the engine where it was declared, and one at every promise, to
// say where it came from should it never settle; the runtime has each mapped to the SDK's own sources. What the program
// itself throws keeps its trace, and positions in it are right as they are: Node leaves blanks where it strips types.
const debuggable = require("@pulumi/pulumi/runtime/debuggable");
const resources = require("@pulumi/pulumi/resource");
require("source-map-support").install = () => {};
resources.Resource.callsites = () => [];
const { debuggablePromise } = debuggable;
debuggable.debuggablePromise = (promise, context) => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return debuggablePromise(promise, context);
  } finally {
    Error.stackTraceLimit = limit;
  }
};

// What turns functions of a program into functions of a cloud: npm's own library and the TypeScript compiler, 350 files. Our
// program has none of these; where one did, its plan would fail.
for (const name of ["@npmcli/arborist", "@pulumi/pulumi/typescript-shim"]) {
  const filename = require.resolve(name);
  require.cache[filename] = { id: filename, filename, loaded: true, exports: {} };
}

// Former names of resources, which say what of an earlier state they are: a plan has none. Azure's SDK gives each resource some
// fifty, one for each version of an API that had its type.
const { mergeOptions } = resources;
resources.mergeOptions = (first, { aliases, ...second } = {}) => mergeOptions(first, second);
