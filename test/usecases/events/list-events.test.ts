import { afterAll, expect, test } from 'vitest';
import { eventsStart, readEventCursor, toEventCursor } from '../../../src/domain/events/event-position.ts';
import { listEvents, requirePosition } from '../../../src/usecases/events/list-events.ts';
import { auditEvent, seal, sealedIds, writeEvents } from '../../support/audit-chain.ts';
import { withConnection } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { testKeyring } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db, databaseUrl } = stores;
afterAll(() => stores.close());

/** Reads on from a position until nothing is left. */
async function readFrom(position = eventsStart, filter = {}, limit = 7) {
  const ids: string[] = [];
  for (let after = position; ; ) {
    const { events, next, isEnd } = await listEvents({ db }, after, filter, limit);
    ids.push(...events.map(({ event }) => event.id));
    after = next;
    if (isEnd) return { ids, end: after };
  }
}

test('an event is in the feed only after its commit, and one that commits late comes later: none is missed', async () => {
  const early = auditEvent({}, new Date(Date.now() - 60_000));
  await withConnection(databaseUrl, async (client) => {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO audit_events (id, event_type, actor_kind, actor_id, target_id, details, created_at)
       VALUES ($1, 'key.revoked', 'system', 'flowplate', 'flk_1', '{}', now())`,
      [early.id],
    );
    const others = await writeEvents(db, 3);
    await seal(db, testKeyring);
    const read = await readFrom();
    expect(read.ids).toEqual(others.map(({ id }) => id));
    await client.query('COMMIT');
    await seal(db, testKeyring);
    expect((await readFrom(read.end)).ids).toEqual([early.id]);
  });
});

test('a reader beside eight writers and two sealers sees the sealed order, each event once', async () => {
  const { ids: before, end } = await readFrom();
  let isWriting = true;
  const writers = Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let round = 0; round < 10; round++) await writeEvents(db, 5);
    }),
  ).finally(() => {
    isWriting = false;
  });
  const seen = [...before];
  let position = end;
  const read = async () => {
    const page = await readFrom(position);
    seen.push(...page.ids);
    position = page.end;
  };
  while (isWriting) {
    await Promise.all([seal(db, testKeyring), seal(db, testKeyring), read()]);
  }
  await writers;
  await seal(db, testKeyring);
  await read();
  expect(seen).toEqual(await sealedIds(databaseUrl));
  expect(new Set(seen).size).toBe(seen.length);
});

test('a filter passes what it leaves out, and its cursor goes on behind it', async () => {
  const wanted = await writeEvents(db, 1, { eventType: 'organization.created', organizationId: 'org_feed' });
  await writeEvents(db, 20);
  await seal(db, testKeyring);
  const byType = await readFrom(eventsStart, { types: ['organization.created'] });
  expect(byType.ids).toEqual(wanted.map(({ id }) => id));
  expect(byType.end).toEqual((await readFrom()).end);
  expect((await readFrom(eventsStart, { organizationId: 'org_feed' })).ids).toEqual(byType.ids);
});

test('a cursor of a log that went back is refused, and no other text is a cursor', async () => {
  const { end } = await readFrom();
  expect(readEventCursor(toEventCursor(end))).toEqual(end);
  await requirePosition({ db }, end);
  for (const lost of [
    { ...end, seq: end.seq + 1 },
    { ...end, eventId: auditEvent().id },
  ]) {
    await expect(requirePosition({ db }, lost)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  }
  for (const text of ['', 'MQ', 'x'.repeat(64), toEventCursor({ seq: 0, eventId: end.eventId })]) {
    expect(readEventCursor(text)).toBeUndefined();
  }
});
