import { parseArgs } from 'node:util';
import { findForgotten, type JournalFindings } from '../src/journal/forgotten.ts';
import { JournalDirectory } from '../src/journal/journal-directory.ts';
import {
  findFirstOtherChange,
  listHistories,
  readHistoryPosition,
} from '../src/stores/postgres/database-history.ts';
import { recoverDatabase } from '../src/usecases/upkeep/recover-database.ts';
import { type Broker, runAdmin } from './admin/open-broker.ts';

const usage = `Usage: npm run recover -- [--journal DIRECTORY …] [--accept-loss REASON] [--dry-run]

After a restored backup, or a failover that lost changes: takes back what came to life again, from the
revocation journal, and begins a new history of the database, which frees verification.

  --journal DIRECTORY   also several times, one for each machine; else what the environment names:
                        JOURNAL_DIRECTORY, JOURNAL_BUCKET_URL
  --accept-loss REASON  goes on without a journal, or with a damaged one; the reason is audited
  --dry-run             only says what would be done

It reads the server's own environment: DATABASE_URL, REDIS_URL, FLOWPLATE_PEPPERS, JOURNAL_….`;

const options = {
  journal: { type: 'string', multiple: true },
  'accept-loss': { type: 'string' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

await main();

async function main(): Promise<void> {
  try {
    const { values } = parseArgs({ options });
    await runAdmin(values.help === true ? undefined : (broker) => recover(broker, values), usage);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}

type Values = { journal?: string[]; 'accept-loss'?: string; 'dry-run'?: boolean };

async function recover(broker: Broker, values: Values): Promise<void> {
  const { db, origin } = broker;
  const stores = values.journal?.map((directory) => new JournalDirectory(directory)) ?? broker.journalStores;
  const acceptedLoss = values['accept-loss'] ?? null;
  const [position, histories] = await Promise.all([readHistoryPosition(db), listHistories(db)]);
  const historyId = histories.at(-1) ?? '';
  const found = await findForgotten(stores, { ...position, historyId }, histories, (changes) =>
    findFirstOtherChange(db, changes),
  );
  const doubt = doubtOf(found);
  // Read again: processes that run may have made changes while the journal was read.
  const { lastSeq } = await readHistoryPosition(db);
  const isBack = position.heldReason !== null || found.contradicts || lastSeq < found.lastSeq;
  console.log(`Database: feed ends at ${position.lastSeq}${heldText(position.heldReason)}`);
  console.log(`Journal: ${found.files} files or objects, ends at ${found.lastSeq}`);
  if (doubt !== undefined && acceptedLoss === null) throw new Error(`${doubt} --accept-loss goes on.`);
  if (!isBack && acceptedLoss === null) {
    throw new Error('The database did not go back: it is not held, and has all that the journal has.');
  }
  if (values['dry-run'] === true) {
    console.log(`Named: ${found.changes.length} keys, master keys and organizations`);
    return;
  }
  const recovered = await recoverDatabase(broker, origin, { ...found, acceptedLoss });
  console.log(
    `Recovered: ${recovered.keys} keys and ${recovered.masterKeys} master keys revoked, ${recovered.organizations} organizations stopped, ${recovered.stops} stops of keys in force again, ${recovered.platformUsers} operators and ${recovered.apiUsers} API users switched off, every session ended`,
  );
}

/** Undefined when the journal is there and whole. */
function doubtOf({ files, damaged }: JournalFindings): string | undefined {
  if (files === 0) return 'There is no journal: what was revoked is not known.';
  if (damaged.length > 0) return `Lines cannot be read in ${damaged.join(', ')}.`;
  return undefined;
}

function heldText(reason: string | null): string {
  return reason === null ? '' : `, held because ${reason}`;
}
