export type * from './api-types.ts';
export { type CallOptions, type ClientOptions, FlowplateClient, type SecretOptions } from './client.ts';
export { FlowplateApiError, FlowplateUndecidedError, FlowplateUnreachableError } from './errors.ts';
export { FlowplateOperatorClient, type OperatorClientOptions } from './operator-client.ts';
export type * from './operator-types.ts';
export { type MetricsRegistry, registerMetrics } from './register-metrics.ts';
export type { ConnectionOptions } from './transport.ts';
export { FlowplateVerifier, type VerifierOptions } from './verifier.ts';
export type { AskedLatency, VerifierMetrics } from './verifier-metrics.ts';
