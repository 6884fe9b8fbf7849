import { randomUUID } from 'node:crypto';
import { request } from 'node:http';

type Bulk = { port: number; masterKey: string; organizations: number; lines: number; isIdempotent: boolean };

/** Mints keys of new users in one request. Throws when a line is not answered with a key. */
export async function mintInBulk({
  port,
  masterKey,
  organizations,
  lines,
  isIdempotent,
}: Bulk): Promise<void> {
  const label = randomUUID();
  const bodies = Array.from(
    { length: lines },
    (_, index) => `{"user_id":"${label}-${index}","organization_id":"org_${index % organizations}"}\n`,
  );
  const body = bodies.join('');
  const headers = {
    'content-type': 'application/x-ndjson',
    'content-length': body.length,
    'x-flowplate-master-key': masterKey,
    ...(isIdempotent && { 'idempotency-key': label }),
  };
  const options = { host: '127.0.0.1', port, method: 'POST', path: '/v1/flowplate/api-keys/batch', headers };
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
  const minted = text.split('\n').filter((line) => line.startsWith('{"key":"')).length;
  if (minted !== lines) throw new Error(`${minted} of ${lines} keys: ${text.slice(0, 300)}`);
}
