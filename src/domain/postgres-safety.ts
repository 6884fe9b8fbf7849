import { type Finding, postgresFinding } from './finding.ts';

/** Settings and state of a Postgres server that the guarantees rest on. */
export type PostgresSafety = {
  fsync: string;
  fullPageWrites: string;
  synchronousCommit: string;
  synchronousStandbyNames: string;
  /** A standby, or a server that takes no writes. */
  isReadOnly: boolean;
};

type Rule = (postgres: PostgresSafety) => Finding | undefined;

/** Reasons why this server may lose or hide changes that were answered; empty for a safe one. */
export function unsafePostgres(postgres: PostgresSafety): Finding[] {
  return rules.flatMap((rule) => rule(postgres) ?? []);
}

const rules: readonly Rule[] = [
  (postgres) =>
    postgres.fsync === 'off'
      ? postgresFinding(
          'error',
          'POSTGRES_FSYNC_OFF',
          'fsync is off. A crash of the machine undoes answered changes: a revoked key works again.',
          'ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();',
        )
      : undefined,
  (postgres) =>
    postgres.fullPageWrites === 'off'
      ? postgresFinding(
          'error',
          'POSTGRES_FULL_PAGE_WRITES_OFF',
          'full_page_writes is off. A crash in the middle of a write can corrupt tables.',
          'ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();',
        )
      : undefined,
  (postgres) =>
    postgres.synchronousCommit === 'off'
      ? postgresFinding(
          'error',
          'POSTGRES_SYNCHRONOUS_COMMIT_OFF',
          'synchronous_commit is off. A crash undoes the last answered changes: a revoked key works again.',
          'ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf(); and RESET it for the role and the database',
        )
      : undefined,
  (postgres) =>
    postgres.synchronousCommit === 'local' && postgres.synchronousStandbyNames !== ''
      ? postgresFinding(
          'error',
          'POSTGRES_SYNCHRONOUS_COMMIT_LOCAL',
          'synchronous_commit is local. A failover to a standby loses answered changes.',
          'ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();',
        )
      : undefined,
  (postgres) =>
    postgres.isReadOnly
      ? postgresFinding(
          'error',
          'POSTGRES_READ_ONLY',
          'It is a standby, or read-only. Nothing can be minted or revoked, and no lease can be taken.',
          'Let DATABASE_URL lead to the primary (target_session_attrs=read-write), or RESET default_transaction_read_only',
        )
      : undefined,
];
