import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { GateParts } from '../gate-parts.ts';
import { readHealth } from '../health.ts';
import { authorizationName } from './services.ts';

const serving = 1;
const notServing = 2;

type Answer = { status: typeof serving | typeof notServing };

/** `Check` of the gRPC health protocol, for probes of Envoy and of Kubernetes. */
export function checkHealth(
  parts: GateParts,
  { request }: ServerUnaryCall<{ service?: string }, Answer>,
  answer: sendUnaryData<Answer>,
): void {
  const { service = '' } = request;
  if (service !== '' && service !== authorizationName) {
    answer({ code: status.NOT_FOUND, details: 'unknown service' });
    return;
  }
  void readHealth(parts).then(({ isVerifying }) =>
    answer(null, { status: isVerifying ? serving : notServing }),
  );
}
