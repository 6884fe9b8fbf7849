import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuditEvent, newAuditEvent } from '../../../src/domain/audit-event.ts';
import { type AuditFilter, listAuditEvents } from '../../../src/stores/postgres/audit/events.ts';
import { insertAuditEvents } from '../../support/finish-change.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

/** Of one actor more than are looked at one by one; every combination of the others. */
const many = 6_000;
const types = ['key.minted', 'key.minted', 'key.revoked', 'platform.access.refused'] as const;
const actors = ['flm_1', 'flm_1', 'flm_2', 'puser_1', 'flm_1'];
const startMs = Date.UTC(2030, 0, 1);

const events: AuditEvent[] = Array.from({ length: many }, (_, at) => {
  const eventType = types[at % 4] ?? 'key.minted';
  const id = actors[at % 5] ?? 'flm_1';
  return newAuditEvent(
    { now: new Date(startMs + at * 1_000), randomBytes },
    { actor: { kind: id.startsWith('flm_') ? 'master_key' : 'platform_user', id }, requestId: null },
    {
      eventType,
      organizationId: at % 7 === 0 ? null : `org_${(at >> 1) % 3}`,
      targetId: `flk_${at % 11}`,
      result: eventType === 'platform.access.refused' ? 'refused' : 'success',
      details: {},
    },
  );
});
beforeAll(async () => {
  for (let from = 0; from < many; from += 1_000) {
    await db.transaction().execute((tx) => insertAuditEvents(tx, events.slice(from, from + 1_000)));
  }
});

const moment = (at: number) => new Date(startMs + at * 1_000);
const filters: AuditFilter[] = [
  { eventType: 'key.minted' },
  { eventType: 'key.revoked' },
  { eventType: 'api_user.created' },
  { actorId: 'flm_1' },
  { actorId: 'flm_2' },
  { actorId: 'puser_1' },
  { actorId: 'flm_none' },
  { organizationId: 'org_0' },
  { organizationId: 'org_none' },
  { result: 'refused' },
  { result: 'success' },
  { targetId: 'flk_3' },
  { from: moment(1_000), to: moment(2_000) },
  { to: moment(500) },
];

/** `flk_3` is no handle of ours, so the mint that it would be the target of is not looked for. */
function passes(event: AuditEvent, filter: AuditFilter): boolean {
  const { eventType, actorId, organizationId, result, targetId, from, to } = filter;
  return (
    [eventType ?? event.eventType, actorId ?? event.actor.id, result ?? event.result].join() ===
      [event.eventType, event.actor.id, event.result].join() &&
    (organizationId === undefined || event.organizationId === organizationId) &&
    (targetId === undefined || (event.targetId === targetId && event.eventType !== 'key.minted')) &&
    (from === undefined || event.createdAt >= from) &&
    (to === undefined || event.createdAt < to)
  );
}

test.each(filters)(
  '%o and any other filter find the newest events that both mean, page by page',
  async (filter) => {
    for (const other of filters) {
      const both = { ...filter, ...other };
      const expected = events.filter((event) => passes(event, both)).map(({ id }) => id);
      const newest = expected.reverse().slice(0, 150);
      const first = await listAuditEvents(db, both, 50);
      const second = await listAuditEvents(db, both, 100, first.at(-1)?.id ?? '');
      expect([...first, ...second].map(({ id }) => id)).toEqual(newest);
    }
  },
);
