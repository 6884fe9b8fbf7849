import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { atEnd } from './at-end.ts';

/** TLS proxy under `name`. `certificate`: the file that a client must trust. */
export async function startTlsFront(
  targetPort: number,
  name: string,
  directory: string,
): Promise<{ port: number; certificate: string }> {
  const certificate = join(directory, 'certificate.pem');
  const privateKey = join(directory, 'key.pem');
  await makeCertificate(name, certificate, privateKey);
  const [cert, key] = await Promise.all([readFile(certificate), readFile(privateKey)]);
  const server = createServer({ cert, key }, (client) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) socket.on('error', () => socket.destroy());
    client.pipe(target).pipe(client);
    client.on('close', () => target.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, certificate };
}

async function makeCertificate(name: string, certificate: string, privateKey: string): Promise<void> {
  const { path, env } = await findProgram('openssl');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', privateKey];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const command = [path, 'req', '-x509', ...key, ...subject, '-days', '2', '-out', certificate];
  const { exitCode, stderr } = await runCommand(command, { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`openssl ended with ${exitCode}: ${stderr}`);
}
