/**
 * An SDK of which each namespace is loaded when the program first asks for it: `azure.network` is
 * `@pulumi/azure-native/network`. The SDK's own index loads all of its namespaces, and an `import` of it everything that they
 * export besides: two thousand files for a stack of the size of ours, which needs a tenth of them.
 */
module.exports = (sdk) =>
  new Proxy(
    {},
    {
      get: (_, name) => (name === "Provider" ? require(`${sdk}/provider`).Provider : require(`${sdk}/${String(name)}`)),
    },
  );
