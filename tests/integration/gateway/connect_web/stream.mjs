// Reads a server stream with the official client, in both codecs: two messages, then an error.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { Health, HealthCheckResponse_ServingStatus as Status } from "./generated/grpc_health/v1/health_pb.js";

async function watch(useBinaryFormat) {
  const [, , baseUrl, key] = process.argv;
  const signIn = (next) => (request) => {
    request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
  const transport = createConnectTransport({ baseUrl, useBinaryFormat, interceptors: [signIn] });
  const statuses = [];
  try {
    for await (const message of createClient(Health, transport).watch({})) statuses.push(Status[message.status]);
  } catch (error) {
    return { statuses, error: Code[ConnectError.from(error).code], message: ConnectError.from(error).rawMessage };
  }
  return { statuses };
}

console.log(JSON.stringify([await watch(false), await watch(true)]));
