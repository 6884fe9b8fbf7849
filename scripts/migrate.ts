import { withSecretFiles } from '../src/secret-files.ts';
import { migrate } from '../src/stores/postgres/migrate.ts';

// Migrates the database in DATABASE_DIRECT_URL, else DATABASE_URL (or the files that are named by
// these with _FILE), to the newest schema. Idempotent, also when run concurrently.
const databaseUrl = readDatabaseUrl();
if (process.argv.length > 2 || databaseUrl === undefined || databaseUrl === '') {
  console.error('Set DATABASE_URL to the Postgres to migrate: DATABASE_URL=postgres://… npm run migrate');
  process.exit(2);
}
try {
  await migrate({ databaseUrl });
} catch (err) {
  console.error(`The migration failed: ${(err as Error).message}`);
  process.exit(1);
}

function readDatabaseUrl(): string | undefined {
  try {
    const { DATABASE_DIRECT_URL: direct, DATABASE_URL: url } = withSecretFiles(process.env);
    return direct === undefined || direct === '' ? url : direct;
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}
