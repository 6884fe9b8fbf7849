import { Redis } from 'ioredis';
import { query } from './query.ts';

/** All keys and values of this logical database as text, the queue included. */
export async function dumpRedis(redisUrl: string): Promise<string[]> {
  const client = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
  const read: Record<string, (key: Buffer) => Promise<unknown>> = {
    string: async (key) => (await client.getBuffer(key))?.toString('latin1'),
    hash: (key) => client.hgetall(key),
    list: (key) => client.lrange(key, 0, -1),
    set: (key) => client.smembers(key),
    zset: (key) => client.zrange(key, '0', '-1', 'WITHSCORES'),
    stream: (key) => client.xrange(key, '-', '+'),
  };
  try {
    const dump: string[] = [];
    for await (const keys of client.scanBufferStream({ count: 100 }) as AsyncIterable<Buffer[]>) {
      for (const key of keys) {
        const type = await client.type(key);
        // It has expired since it was listed.
        if (type === 'none') continue;
        const value = await read[type]?.(key);
        if (value === undefined) throw new Error(`${key} is a ${type}, which is not read here`);
        dump.push(`${type} ${key.toString('latin1')} ${JSON.stringify(value)}`);
      }
    }
    return dump;
  } finally {
    client.disconnect();
  }
}

/** Every row of every table as text; bytes are in hexadecimal. */
export async function dumpPostgres(databaseUrl: string): Promise<string[]> {
  const tables = await query(
    databaseUrl,
    "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  const dump: string[] = [];
  for (const { name } of tables) {
    const rows = await query(databaseUrl, `SELECT whole_row::text AS text FROM ${name} AS whole_row`);
    dump.push(...rows.map(({ text }) => `${name} ${text}`));
  }
  return dump;
}

/** Texts with one of the secrets, in plain text, hexadecimal or base64. */
export function findSecrets(texts: readonly string[], secrets: readonly string[]): string[] {
  const forms = secrets.flatMap((secret) => {
    const bytes = Buffer.from(secret);
    return [
      secret,
      bytes.toString('hex'),
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('base64url'),
    ];
  });
  return texts.filter((text) => forms.some((form) => text.includes(form)));
}
