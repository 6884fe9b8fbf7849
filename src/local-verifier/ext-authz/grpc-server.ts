import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { GateParts, Listener } from '../gate-parts.ts';
import type { GateServer } from '../open-listener.ts';
import { check } from './check.ts';
import { checkHealth } from './check-health.ts';
import { loadServices } from './services.ts';

/** Calls take milliseconds. One that is still open then has a client that does not read. */
const drainMsMax = 5_000;

/**
 * Envoy takes 60 KiB of headers. A longer message has a body, which is not read here, or a client
 * that wants megabytes to be hashed.
 */
const messageBytesMax = 256 * 1024;

/**
 * The gRPC server of one listener: `ext_authz` and health. Its connections come from a socket
 * server of our own, so that Unix sockets have the rules of the other listeners.
 */
export function createGrpcServer(parts: GateParts, listener: Listener): GateServer {
  const grpc = new Server({ 'grpc.max_receive_message_length': messageBytesMax });
  const { authorization, health } = loadServices();
  grpc.addService(authorization, { Check: check.bind(undefined, parts, listener) });
  grpc.addService(health, { Check: checkHealth.bind(undefined, parts) });
  const connections = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const server = createServer((socket) => connections.injectConnection(socket));
  return {
    server,
    drain: async () => {
      server.close();
      const ended = new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
      await Promise.race([ended, sleep(drainMsMax, undefined, { ref: false })]);
      grpc.forceShutdown();
    },
  };
}
