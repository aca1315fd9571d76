/** The gRPC side: the services that Pulumi's language runtime talks to, on one socket. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { Plan } from "../resource.ts";
import type { Monitor } from "./monitor.ts";

export type Message = Plan["messages"][number];

export type EngineServer = {
  readonly address: string;
  /** What the program logged so far, without what is for debugging only. */
  readonly messages: readonly Message[];
  readonly close: () => Promise<void>;
};

// As Pulumi's own (`runtime/settings.js`): the default of 4 MB is less than some resources.
const limits = { "grpc.max_receive_message_length": 400 << 20, "grpc.max_send_message_length": 400 << 20 };

/**
 * Starts both services on a Unix socket that only this user can reach: no port is taken, and it works where there is no
 * network at all, not even the loopback interface.
 */
export async function startEngine(monitor: Monitor): Promise<EngineServer> {
  const messages: Message[] = [];
  const server = new grpc.Server(limits);
  server.addService(
    resourceServices.ResourceMonitorService as unknown as grpc.ServiceDefinition,
    monitorMethods(monitor),
  );
  server.addService(engineServices.EngineService as unknown as grpc.ServiceDefinition, engineMethods(messages));
  const folder = await mkdtemp(join(tmpdir(), "skykv-plan-"));
  const address = `unix:${join(folder, "engine")}`;
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  const close = async () => {
    server.forceShutdown();
    await rm(folder, { recursive: true, force: true });
  };
  return { address, messages, close };
}

function monitorMethods(monitor: Monitor): grpc.UntypedServiceImplementation {
  return {
    getDeploymentInfo: unary(() => deploymentInfo()),
    registerResource: unary((request: InstanceType<typeof resource.RegisterResourceRequest>) =>
      monitor.register(request),
    ),
    readResource: unary((request: InstanceType<typeof resource.ReadResourceRequest>) => monitor.read(request)),
    invoke: unary((request: InstanceType<typeof resource.ResourceInvokeRequest>) => monitor.invoke(request)),
    registerResourceOutputs: unary((request: InstanceType<typeof resource.RegisterResourceOutputsRequest>) => {
      monitor.registerOutputs(request);
      return new empty.Empty();
    }),
    signalAndWaitForShutdown: unary(() => new empty.Empty()),
  };
}

function engineMethods(messages: Message[]): grpc.UntypedServiceImplementation {
  let root = "";
  return {
    log: unary((request: InstanceType<typeof engine.LogRequest>) => {
      const severity = severities[request.getSeverity()];
      if (severity !== undefined) messages.push({ severity, text: request.getMessage() });
      return new empty.Empty();
    }),
    setRootResource: unary((request: InstanceType<typeof engine.SetRootResourceRequest>) => {
      root = request.getUrn();
      return new engine.SetRootResourceResponse();
    }),
    getRootResource: unary(() => {
      const response = new engine.GetRootResourceResponse();
      response.setUrn(root);
      return response;
    }),
  };
}

const severities: Readonly<Record<number, Message["severity"]>> = {
  [engine.LogSeverity.INFO]: "info",
  [engine.LogSeverity.WARNING]: "warning",
  [engine.LogSeverity.ERROR]: "error",
};

/**
 * What the engine can do. Not among it: transforms and hooks, which would have it call back; the SDK then refuses them
 * with a clear error. Without resource references and output values, inputs come as plain as a provider gets them.
 */
function deploymentInfo() {
  const info = new resource.DeploymentInfo();
  const feature = resource.ResourceMonitorFeature;
  info.setSupportedfeaturesList([
    feature.RESOURCE_MONITOR_FEATURE_SECRETS,
    feature.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    feature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    feature.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  ]);
  return info;
}

function unary<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return async (call, respond) => {
    try {
      respond(null, await answer(call.request));
    } catch (error) {
      respond({ code: grpc.status.INTERNAL, details: (error as Error).message });
    }
  };
}
