import { hash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import express from 'express';
import { Redis } from 'ioredis';
import { readKeys } from '../load/key-draw.ts';

const keysPerBatch = 10_000;

/**
 * Typical first version: Express, and for each key a Redis hash under its digest, one lookup and
 * one count per request.
 */
export async function expressRedis(env: NodeJS.ProcessEnv): Promise<Server> {
  const { REDIS_URL = '', KEYS_FILE = '', KEYS_COUNT } = env;
  const redis = new Redis(REDIS_URL);
  await store(redis, readKeys(KEYS_FILE, Number(KEYS_COUNT)));
  const app = express();
  app.use(express.json());
  app.post('/v1/flowplate/api-keys/verify', async (req, res) => {
    const name = nameOf(req.body.key);
    const record = await redis.hgetall(name);
    if (record.status !== 'active') {
      res.json({ valid: false, code: 'NOT_FOUND' });
      return;
    }
    await redis.hincrby(name, 'calls', 1);
    res.json({
      valid: true,
      code: 'VALID',
      key_id: record.id,
      user_id: record.user_id,
      organization_id: record.organization_id,
      environment: record.environment,
      scopes: [],
      metadata: {},
      expires_at: null,
    });
  });
  return createServer(app);
}

async function store(redis: Redis, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += keysPerBatch) {
    const batch = keys.slice(start, start + keysPerBatch);
    await Promise.all(batch.map((key, index) => redis.hset(nameOf(key), newRecord(start + index))));
  }
}

function newRecord(index: number) {
  return {
    id: `flk_${String(index).padStart(22, '0')}`,
    user_id: `user_${index}`,
    organization_id: `org_${index % 100}`,
    environment: 'prod',
    status: 'active',
    calls: 0,
  };
}

function nameOf(key: unknown): string {
  return `key:${hash('sha256', String(key), 'base64url')}`;
}
