import { randomBytes } from 'node:crypto';
import { newSecret } from '../../src/domain/key-format.ts';
import type { Target } from '../load/jobs.ts';
import type { Stage } from '../stage/stage.ts';

/** Throws unless an unknown key is refused: a server that accepts everything would look fast. */
export async function requireRefusal(stage: Stage, name: string, { port }: Target): Promise<void> {
  const key = newSecret('user', 'prod', randomBytes);
  const response = await fetch(`http://127.0.0.1:${port}/v1/flowplate/api-keys/verify`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'x-flowplate-master-key': stage.masterKey },
    body: JSON.stringify({ key }),
  });
  const text = await response.text();
  if (!text.includes('"valid":false')) throw new Error(`${name} does not refuse an unknown key: ${text}`);
}

/** The same for forward auth. */
export async function requireDenial(stage: Stage, name: string, { port }: Target): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${port}/v1/flowplate/authz`, {
    headers: {
      'x-api-key': newSecret('user', 'prod', randomBytes),
      'x-flowplate-master-key': stage.masterKey,
    },
  });
  if (status !== 401) throw new Error(`${name} answers ${status} to an unknown key`);
}
