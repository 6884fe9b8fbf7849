import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../support/call.ts';
import { keyCalls } from '../support/key-calls.ts';

const pauseMs = 40;

/** A little of everything that is measured, until it is stopped. Answers do not matter. */
export function startLoad(call: Call): { stop(): Promise<void> } {
  let isStopped = false;
  const until = async (step: () => Promise<unknown>) => {
    while (!isStopped) {
      await step().catch(() => undefined);
      await sleep(pauseMs);
    }
  };
  const keys = keyCalls(call);
  const known = keys.mint().catch(() => undefined);
  const limited = keys
    .mint({ rate_limit: { limit: 1_000_000, window_seconds: 3_600 } })
    .catch(() => undefined);
  const ask = async () => {
    const key = (await known)?.key ?? '';
    await keys.verify(key);
    await keys.verify((await limited)?.key ?? '');
    await call('POST /v1/flowplate/api-keys/verify/batch', { body: { keys: [{ key }, { key: 'x' }] } });
    await call('GET /v1/flowplate/authz', { headers: { 'x-api-key': key } });
    await call('POST /v1/flowplate/introspect', {
      body: new URLSearchParams({ token: key }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  };
  const change = async () => {
    const { keyId } = await keys.mint();
    await call(`DELETE /v1/flowplate/api-keys/${keyId}`);
    await sleep(200);
  };
  const running = [until(ask), until(ask), until(change)];
  return {
    stop: async () => {
      isStopped = true;
      await Promise.all(running);
    },
  };
}
