import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { databaseUrl } from '../../scripts/services/create-database.ts';

/** Migrated once per run by the global setup. */
export const TEMPLATE_DATABASE = 'flowplate_template';

const OBJECT_IN_USE = '55006';
const BUSY_MS_MAX = 20_000;

export interface ClonedDatabase {
  url: string;
  /** Closes all connections to it first. */
  drop(): Promise<void>;
}

/** An empty, migrated database for the caller, about as fast as a connection. */
export async function cloneDatabase(adminUrl: string): Promise<ClonedDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withAdmin(adminUrl, (admin) => createFromTemplate(admin, name));
  return {
    url: databaseUrl(adminUrl, name),
    drop: () => withAdmin(adminUrl, (admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

async function createFromTemplate(admin: Client, name: string): Promise<void> {
  const giveUpAt = performance.now() + BUSY_MS_MAX;
  for (;;) {
    try {
      await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE_DATABASE} STRATEGY FILE_COPY`);
      return;
    } catch (err) {
      // Another worker is cloning, or the connection that migrated the template is still closing.
      if ((err as { code?: string }).code !== OBJECT_IN_USE || performance.now() > giveUpAt) throw err;
      await sleep(50);
    }
  }
}

async function withAdmin(adminUrl: string, use: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.end();
  }
}
