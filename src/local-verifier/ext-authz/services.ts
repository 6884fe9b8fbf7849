import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const protos = fileURLToPath(new URL('./protos', import.meta.url));

export const authorizationName = 'envoy.service.auth.v3.Authorization';
const healthName = 'grpc.health.v1.Health';

/** The gRPC services by their full names, read from the `.proto` files beside this one. */
export function loadServices(): { authorization: ServiceDefinition; health: ServiceDefinition } {
  const loaded = loadSync(['external_auth.proto', 'health.proto'], {
    includeDirs: [protos],
    keepCase: true,
    longs: Number,
    enums: Number,
  });
  return {
    authorization: loaded[authorizationName] as ServiceDefinition,
    health: loaded[healthName] as ServiceDefinition,
  };
}
