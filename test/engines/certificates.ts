import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { runCommand } from '../../scripts/services/run-command.ts';

export type Certificates = { ca: string; certificate: string; key: string };

/** An authority of its own, and a certificate by it for this machine; both servers and clients. */
export async function makeCertificates(directory: string, name: string): Promise<Certificates> {
  const file = (kind: string) => join(directory, `${name}-${kind}.pem`);
  const [ca, caKey, certificate, key, request] = ['ca', 'ca-key', 'cert', 'key', 'request'].map(file) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const days = ['-days', '2'];
  await openssl('req', '-x509', ...curve, '-keyout', caKey, '-subj', `/CN=${name} CA`, ...days, '-out', ca);
  await openssl('req', ...curve, '-keyout', key, '-subj', `/CN=${name}`, '-out', request);
  const names = join(directory, `${name}-names.txt`);
  await writeFile(names, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', names, ...days];
  await openssl('x509', '-req', '-in', request, ...signed, '-out', certificate);
  return { ca, certificate, key };
}

async function openssl(...args: string[]): Promise<void> {
  const { path, env } = await findProgram('openssl');
  const { exitCode, stderr } = await runCommand([path, ...args], { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`openssl ended with ${exitCode}: ${stderr}`);
}
