exports.aws = require("./namespaces.cjs")("@pulumi/aws");
