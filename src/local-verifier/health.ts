import type { ServerResponse } from 'node:http';
import type { GateParts } from './gate-parts.ts';

type Parts = Pick<GateParts, 'verifier' | 'brokerHealth' | 'isDraining'>;

const live = { status: 'live' };

/** The event loop turns. The broker is not asked: a restart here does not repair it. */
function answerLive(_parts: Parts, res: ServerResponse): void {
  answer(res, 200, live);
}

/**
 * Whether verifications should come here: while the lease is held, or while a broker can be asked.
 * The same for `/health/ready`, since a local verifier manages nothing.
 */
async function answerVerifying(parts: Parts, res: ServerResponse): Promise<void> {
  const { isVerifying, isHeld, broker } = await readHealth(parts);
  const status = isVerifying ? (isHeld ? 'ready' : 'degraded') : 'unavailable';
  const checks = { lease: isHeld ? 'held' : 'lapsed', broker };
  answer(res, isVerifying ? 200 : 503, { status, draining: parts.isDraining(), checks });
}

/** The broker is asked only without a lease. */
export async function readHealth({ verifier, brokerHealth, isDraining }: Parts) {
  const isHeld = verifier.isLeaseHeld();
  const broker = isHeld ? 'not_asked' : (await brokerHealth.isUp()) ? 'up' : 'down';
  const isVerifying = !isDraining() && broker !== 'down' && !brokerHealth.isKeyRefused();
  return { isVerifying, isHeld, broker };
}

export const healthPaths: Readonly<
  Record<string, (parts: Parts, res: ServerResponse) => Promise<void> | void>
> = {
  '/health/live': answerLive,
  '/health/ready': answerVerifying,
  '/health/verify': answerVerifying,
};

function answer(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  res.end(text);
}
