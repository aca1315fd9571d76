exports.azure = require("./namespaces.cjs")("@pulumi/azure-native");
