import { randomBytes } from 'node:crypto';
import { signReport } from '../../src/domain/leak-report.ts';
import type { Answer, Call } from './call.ts';

export const reporterSecret = randomBytes(32);

/** Settings of a broker that knows a reporter `tests`. */
export const withReporter = { LEAK_REPORTERS: `tests:${reporterSecret.toString('base64url')}` };

export const leaksPath = '/v1/flowplate/leaks';

let serial = 0;

/** Headers with which the reporter signs a body. */
export function signed(body: string, atMs = Date.now(), secret: Uint8Array = reporterSecret) {
  const seconds = Math.floor(atMs / 1_000);
  const mac = signReport(secret, seconds, Buffer.from(body)).toString('hex');
  return { 'x-flowplate-signature': `reporter=tests,t=${seconds},v1=${mac}` };
}

/** Reports tokens, each time in a body of its own. */
export function reportLeak(broker: { call: Call }, ...tokens: (string | object)[]): Promise<Answer> {
  const items = tokens.map((token) => (typeof token === 'string' ? { token } : token));
  const body = JSON.stringify(items.map((item) => ({ serial: serial++, ...item })));
  return broker.call(`POST ${leaksPath}`, { as: null, body, headers: signed(body) });
}
