import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { TestBroker } from '../../support/broker.ts';
import type { Answer, CallOptions } from '../../support/call.ts';
import { insist } from '../../support/insist.ts';

export const verifiersPath = '/v1/flowplate/verifiers';

export const neverRegistered = '00000000-0000-4000-8000-000000000000';

export type Registration = {
  verifier_id: string;
  lease_ms: number;
  applied_seq: number;
  server_time_ms: number;
  master_key_id: string;
  refused_organizations: string[];
  recent: Array<{ kind: string; subject_id: string; revision: number; status: string | null }>;
};

export async function register(broker: TestBroker, options: CallOptions = {}): Promise<Registration> {
  const answer = await insist(() => broker.call(`POST ${verifiersPath}`, options));
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

export function beat(
  broker: TestBroker,
  verifierId: string,
  body: object,
  options: CallOptions = {},
): Promise<Answer> {
  return broker.call(`POST ${verifiersPath}/${verifierId}/heartbeat`, { ...options, body });
}

export function findRecord(broker: TestBroker, key: string, options: CallOptions = {}): Promise<Answer> {
  return broker.call(`POST ${verifiersPath}/${neverRegistered}/records`, { ...options, body: { key } });
}

export function reportUsage(
  broker: TestBroker,
  verifierId: string,
  sums: object[],
  options: CallOptions & { id?: string } = {},
) {
  const { id = randomUUID(), ...rest } = options;
  const body = { flush_id: id, sums };
  return broker.call(`POST ${verifiersPath}/${verifierId}/usage`, { ...rest, body });
}

/** A verifier that may report and that no change waits for: its lease has just lapsed. */
export async function lapsedVerifier(broker: TestBroker, options: CallOptions = {}): Promise<string> {
  const { verifier_id } = await register(broker, options);
  await lapse(broker, verifier_id, 1);
  return verifier_id;
}

export async function lapse(broker: TestBroker, verifierId: string, secondsAgo: number): Promise<void> {
  await sql`
    UPDATE verifiers SET lease_until = clock_timestamp() - make_interval(secs => ${secondsAgo})
    WHERE id = ${verifierId}`.execute(broker.db);
}

/** Registers as the SDK does: the lease begins with the first heartbeat. */
export function registerForLater(broker: TestBroker, options: CallOptions = {}): Promise<Registration> {
  return register(broker, { ...options, body: { lease: 'first_heartbeat' } });
}

/** The row as Postgres has it, with what is left of the lease by its own clock. */
export async function rowOf(broker: TestBroker, verifierId: string) {
  const row = await broker.db
    .selectFrom('verifiers')
    .select(['applied_seq', 'lease_until', 'master_key_id'])
    .where('id', '=', verifierId)
    .executeTakeFirst();
  return row && { ...row, leaseLeftMs: row.lease_until.getTime() - Date.now() };
}
