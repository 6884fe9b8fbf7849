import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// @ts-expect-error The package has no types.
import S3rver from 's3rver';
import type { BucketOptions } from '../../src/journal/journal-bucket.ts';
import { atEnd } from './at-end.ts';
import { quietPort } from './quiet-port.ts';

/** The one access key that the server knows. It does not check what is signed with it. */
const access = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', region: 'us-east-1' };

export type ObjectStore = {
  bucket: BucketOptions;
  /** Settings of a process that keeps its journal there. */
  env: Record<string, string>;
  stop(): Promise<void>;
  start(): Promise<void>;
};

/** An S3-compatible object store with one bucket, on a port of its own. */
export async function startObjectStore(): Promise<ObjectStore> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-objects-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const port = await quietPort();
  const configureBuckets = [{ name: 'journal' }];
  const open = () => new S3rver({ address: '127.0.0.1', port, silent: true, directory, configureBuckets });
  let server = open();
  await server.run();
  atEnd(() => server.close().catch(() => undefined));
  const url = new URL(`http://127.0.0.1:${port}/journal/keys/test`);
  return {
    bucket: { url, ...access },
    env: {
      JOURNAL_BUCKET_URL: url.href,
      JOURNAL_BUCKET_ACCESS_KEY_ID: access.accessKeyId,
      JOURNAL_BUCKET_SECRET_ACCESS_KEY: access.secretAccessKey,
    },
    stop: async () => {
      server.httpServer.closeAllConnections();
      await server.close();
    },
    start: async () => {
      server = open();
      await server.run();
    },
  };
}
