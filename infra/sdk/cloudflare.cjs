// It has no namespaces, and loads each resource when it is first asked for; but not when it is imported: see namespaces.cjs.
exports.cloudflare = require("@pulumi/cloudflare");
