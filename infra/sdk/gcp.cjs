exports.gcp = require("./namespaces.cjs")("@pulumi/gcp");
