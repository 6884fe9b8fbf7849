import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { ClientCertificates } from '../../src/process/client-certificates.ts';
import { readTlsFiles } from '../../src/process/tls-files.ts';
import { newAuthority } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const dayMs = 86_400_000;

test('a certificate counts until it ends, and while its CA is trusted, also on an open connection', async () => {
  const directory = await temporaryDirectory();
  const authority = await newAuthority(directory, 'ours');
  const own = await authority.issue();
  const client = await authority.issue({ alternativeNames: 'URI:spiffe://prod/gateway', days: 1 });
  const files = { certificate: own.certificate, privateKey: own.key, clientCas: authority.certificate };
  const { context, clientCas } = readTlsFiles(files, new Date());
  const server = createServer({ ...context, requestCert: true, rejectUnauthorized: false });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const [cert, key] = [readFileSync(client.certificate), readFileSync(client.key)];
  const socket = connect({ port, host: '127.0.0.1', cert, key, rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  const [accepted] = (await once(server, 'secureConnection')) as [TLSSocket];

  const certificates = new ClientCertificates();
  certificates.note(accepted);
  const now = Date.now();
  expect(certificates.of(accepted, now)).toBeUndefined();
  certificates.trust(clientCas);
  expect(certificates.of(accepted, now)).toMatchObject({ identity: 'spiffe://prod/gateway' });
  expect(certificates.of(accepted, now + dayMs - 60_000)).toBeDefined();
  expect(certificates.of(accepted, now + dayMs)).toBeUndefined();
  expect(certificates.of(new Object(), now)).toBeUndefined();
  certificates.trust(new Set([readOther()]));
  expect(certificates.of(accepted, now)).toBeUndefined();
});

/** The fingerprint of some other CA. */
const readOther = () => '00'.repeat(32);
