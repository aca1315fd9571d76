/**
 * The program: reads the configuration of one stack and builds what it asks for. Each kind of stack is loaded alone, so
 * that none waits for the libraries of the others.
 */
import { deployCloud } from "./cloud.ts";
import { readConfig } from "./config/read.ts";

export default async function deploy() {
  const config = readConfig();
  switch (config.kind) {
    case "aws":
      return deployCloud(config, (await import("./aws/platform.ts")).AwsPlatform);
    case "gcp":
      return deployCloud(config, (await import("./gcp/platform.ts")).GcpPlatform);
    case "azure":
      return deployCloud(config, (await import("./azure/platform.ts")).AzurePlatform);
    case "global":
      return (await import("./global/global.ts")).deployGlobal(config);
    case "local":
      return (await import("./local/local.ts")).deployLocal(config);
    default:
      return config satisfies never;
  }
}
