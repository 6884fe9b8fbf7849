import { Redis } from 'ioredis';
import openkey from 'openkey';
import type { Verify } from './serve.ts';

const keysPerBatch = 10_000;
const plan = 'bench';

/**
 * As its README shows: `keys.retrieve` authenticates, `usage.increment` counts. The count is
 * awaited (`pending`), since otherwise its work would not be measured.
 */
export async function openkeyVerify(env: NodeJS.ProcessEnv, keys: readonly string[]): Promise<Verify> {
  const { keys: store, plans, usage } = openkey({ redis: new Redis(env.REDIS_URL ?? '') });
  await plans.create({ id: plan, limit: Number.MAX_SAFE_INTEGER, period: '30d' });
  for (let start = 0; start < keys.length; start += keysPerBatch) {
    const batch = keys.slice(start, start + keysPerBatch);
    const create = (value: string, index: number) =>
      store.create({ value, plan, metadata: { user_id: `user_${start + index}`, organization_id: 'org_0' } });
    await Promise.all(batch.map(create));
  }
  return async (value) => {
    const key = await store.retrieve(value);
    if (key === null || !key.enabled) return { valid: false };
    const { remaining, pending } = await usage.increment(value);
    await pending;
    return { valid: remaining > 0, code: 'VALID', ...key.metadata, remaining };
  };
}
