import { Client } from 'pg';

// biome-ignore lint/suspicious/noExplicitAny: a test reads the columns it asked for and fails on what is not there
type Row = Record<string, any>;

/** One statement on a connection of its own, since the server may have been replaced. */
export function query(url: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return withConnection(url, async (client) => (await client.query<Row>(text, [...values])).rows);
}

export async function withConnection<Result>(
  url: string,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // The server may be killed while it is connected.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}
