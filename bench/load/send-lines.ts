import { request } from 'node:http';

type Lines = { port: number; masterKey: string; path: string; body: string };

/** Sends a body of lines with a master key, and returns the text of the answer. */
export function sendLines({ port, masterKey, path, body }: Lines): Promise<string> {
  const headers = {
    'content-type': 'application/x-ndjson',
    'content-length': Buffer.byteLength(body),
    'x-flowplate-master-key': masterKey,
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(Buffer.concat(chunks).toString()));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
