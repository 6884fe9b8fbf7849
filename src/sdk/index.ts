export type * from './api-types.ts';
export { type CallOptions, type ClientOptions, FlowplateClient, type SecretOptions } from './client.ts';
export { FlowplateApiError, FlowplateUndecidedError, FlowplateUnreachableError } from './errors.ts';
export { FlowplateOperatorClient, type OperatorClientOptions } from './operator-client.ts';
export type * from './operator-types.ts';
export type { TraceHeaders } from './trace-headers.ts';
export type { ConnectionOptions } from './transport.ts';
export { FlowplateVerifier, type VerifierOptions } from './verifier.ts';
