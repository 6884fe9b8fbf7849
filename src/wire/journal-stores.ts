import type { Config } from '../config.ts';
import { JournalBucket } from '../journal/journal-bucket.ts';
import { JournalDirectory } from '../journal/journal-directory.ts';
import type { JournalStore } from '../journal/journal-store.ts';

/** Where the revocation journal lies: both, one or none of a directory and a bucket. */
export function journalStores(config: Config): JournalStore[] {
  const { JOURNAL_DIRECTORY: directory, JOURNAL_BUCKET_URL: url } = config;
  return [
    ...(directory === undefined ? [] : [new JournalDirectory(directory)]),
    ...(url === undefined ? [] : [new JournalBucket({ url, ...accessOf(config) })]),
  ];
}

function accessOf(config: Config) {
  return {
    region: config.JOURNAL_BUCKET_REGION,
    accessKeyId: config.JOURNAL_BUCKET_ACCESS_KEY_ID ?? '',
    secretAccessKey: config.JOURNAL_BUCKET_SECRET_ACCESS_KEY ?? '',
  };
}
