import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { runCommand } from '../../scripts/services/run-command.ts';

/** Files in PEM. */
export type Certified = { certificate: string; key: string };

export type CertificateWish = {
  /** `/CN=gateway`, the most significant part first. */
  subject?: string;
  /** In the words of OpenSSL: `URI:spiffe://…,DNS:…`. */
  alternativeNames?: string;
  purpose?: 'clientAuth' | 'serverAuth';
  /** Negative for one that has expired. */
  days?: number;
};

/** A certificate authority of OpenSSL in a directory of its own. */
export type Authority = Certified & { issue(wish?: CertificateWish): Promise<Certified> };

export async function newAuthority(directory: string, name: string): Promise<Authority> {
  const home = join(directory, name);
  await mkdir(home);
  const ca = { certificate: join(home, 'ca.pem'), key: join(home, 'ca.key') };
  await openssl(
    'req',
    '-x509',
    ...newKey(ca.key),
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
    '-out',
    ca.certificate,
  );
  let count = 0;
  const issue: Authority['issue'] = async ({ subject = '/CN=somebody', days = 2, ...wish } = {}) => {
    count += 1;
    const base = join(home, String(count));
    const issued = { certificate: `${base}.pem`, key: `${base}.key` };
    await openssl('req', ...newKey(issued.key), '-subj', subject, '-out', `${base}.csr`);
    await writeFile(`${base}.ext`, extensions(wish));
    const signing = [
      '-CA',
      ca.certificate,
      '-CAkey',
      ca.key,
      '-CAserial',
      `${home}/serial`,
      '-CAcreateserial',
    ];
    const dated = ['-days', String(days), '-extfile', `${base}.ext`];
    await openssl('x509', '-req', '-in', `${base}.csr`, ...signing, ...dated, '-out', issued.certificate);
    return issued;
  };
  return { ...ca, issue };
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
}

function extensions({ alternativeNames, purpose }: CertificateWish): string {
  const lines = ['basicConstraints=CA:FALSE'];
  if (alternativeNames !== undefined) lines.push(`subjectAltName=${alternativeNames}`);
  if (purpose !== undefined) lines.push(`extendedKeyUsage=${purpose}`);
  return lines.join('\n');
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { path, env } = await findProgram('openssl');
  const { exitCode, stderr } = await runCommand([path, ...args], { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`openssl ${args[0]} ended with ${exitCode}: ${stderr}`);
}
