exports.k8s = require("./namespaces.cjs")("@pulumi/kubernetes");
