import { credentials, Metadata, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadServices } from '../../src/local-verifier/ext-authz/services.ts';
import { atEnd } from '../support/at-end.ts';

type Header = { header: { key: string; value: string }; append_action: number; keep_empty_value: boolean };

export type Checked = {
  status: { code: number };
  ok_response?: {
    headers: Header[];
    headers_to_remove: string[];
    response_headers_to_add?: Header[];
  };
  denied_response?: { status: { code: number }; headers: Header[]; body: string };
};

/** Attributes of a check beside the headers of its request. */
export type Attributes = {
  headers?: Record<string, string>;
  header_map?: { headers: { key: string; raw_value: Buffer }[] };
  source?: string;
  context_extensions?: Record<string, string>;
};

export type Envoy = {
  check(attributes: Attributes, masterKey?: string): Promise<Checked>;
  health(service?: string): Promise<number>;
};

/**
 * All that a check has beside its headers, as the full messages of Envoy write it: time, method,
 * path, body, TLS session, metadata, peers with certificate and labels. Two messages of protobuf
 * one after the other are one message.
 */
const everythingElse = Buffer.from(
  'CqUCCkYKEwoREgsyMDMuMC4xMTMuORiikAMSBGVkZ2UaCQoEem9uZRIBYSISc3BpZmZlOi8vbWVzaC9lZGdlKgotLS0tLUJFR0lOEicKDwoNEggxMC4wLjAuMhj7QSIUc3BpZmZlOi8vbWVzaC9vcmRlcnMiagoLCICSs9gGEICcnDkSWwoKMTIzNDU2Nzg5MBIEUE9TVCIOL29yZGVycz9wYWdlPTIqD29yZGVycy5pbnRlcm5hbDIFaHR0cHNI////////////AVIGSFRUUC8yWgd7ImEiOjF9YgMBAv9aLgosChxlbnZveS5maWx0ZXJzLmh0dHAuand0X2F1dGhuEgwKCgoDc3ViEgMaAXhiFAoSb3JkZXJzLmV4YW1wbGUuY29tagA=',
  'base64',
);

/** Pseudo headers that Envoy sends along. */
const pseudo = { ':authority': 'orders.internal', ':method': 'POST', ':path': '/orders', ':scheme': 'https' };

/** A gRPC client that asks as Envoy does. `target` is `unix:/path` or `host:port`. */
export function envoyAt(target: string): Envoy {
  const { authorization, health } = loadServices();
  const asEnvoy = { ...authorization, Check: withEverythingElse(authorization) };
  const authz = clientOf(asEnvoy, 'Authorization', target);
  const probe = clientOf(health, 'Health', target);
  return {
    check: ({ headers, header_map, source, context_extensions }, masterKey) => {
      const metadata = new Metadata();
      if (masterKey !== undefined) metadata.set('x-flowplate-master-key', masterKey);
      const http = header_map === undefined ? { headers: { ...pseudo, ...headers } } : { header_map };
      const from =
        source === undefined ? {} : { source: { address: { socket_address: { address: source } } } };
      const request = { attributes: { request: { http }, context_extensions, ...from } };
      return authz<Checked>(request, metadata);
    },
    health: async (service = '') => (await probe<{ status: number }>({ service }, new Metadata())).status,
  };
}

function withEverythingElse({ Check }: ServiceDefinition) {
  const { requestSerialize } = Check as NonNullable<typeof Check>;
  const serialize = (request: object) => Buffer.concat([everythingElse, requestSerialize(request)]);
  return { ...Check, requestSerialize: serialize } as NonNullable<typeof Check>;
}

function clientOf(service: ServiceDefinition, name: string, target: string) {
  const Client = makeGenericClientConstructor(service, name);
  const client = new Client(target, credentials.createInsecure());
  atEnd(() => client.close());
  const call = client.Check as unknown as (
    request: object,
    metadata: Metadata,
    done: (error: Error | null, answer: unknown) => void,
  ) => void;
  return <Answer>(request: object, metadata: Metadata) =>
    new Promise<Answer>((resolve, reject) => {
      call.call(client, request, metadata, (error, answer) => {
        if (error === null) resolve(answer as Answer);
        else reject(error);
      });
    });
}

/** Headers that Envoy would set, with their values. */
export function valuesOf(headers: readonly Header[] = []): Record<string, string> {
  return Object.fromEntries(headers.map(({ header }) => [header.key, header.value]));
}
