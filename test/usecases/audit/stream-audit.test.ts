import { appendFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { AuditStream } from '../../../src/audit-streams/audit-stream.ts';
import { fileStream } from '../../../src/audit-streams/file-stream.ts';
import type { EventEnvelope } from '../../../src/domain/events/envelope.ts';
import { readStreamsBehind } from '../../../src/stores/postgres/audit/streams.ts';
import { streamAudit } from '../../../src/usecases/audit/stream-audit.ts';
import { seal, writeEvents } from '../../support/audit-chain.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { testKeyring } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db, databaseUrl } = stores;
afterAll(() => stores.close());

const faults: unknown[] = [];
const run = (...auditStreams: AuditStream[]) =>
  streamAudit({ db, auditStreams, onStreamFault: (_, error) => faults.push(error) });

async function sealed(count: number): Promise<string[]> {
  const events = await writeEvents(db, count);
  await seal(db, testKeyring);
  return events.map(({ id }) => id);
}

const readBehind = async (name: string) => (await readStreamsBehind(db, [name]))[0];
const behind = async (name: string) => (await readBehind(name))?.events;

async function idsIn(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line).data.event_id);
}

test('a new stream begins at the end of the log, and gets each later event once, in sealed order', async () => {
  const file = join(await temporaryDirectory(), 'audit.ndjson');
  await sealed(3);
  expect(await run(fileStream(file))).toBe(0);
  const ids = await sealed(1_203);
  await writeEvents(db, 2);
  expect(await behind('file')).toBe(1_203);
  expect((await readBehind('file'))?.oldestAgeMs).toBeGreaterThan(0);
  expect(await run(fileStream(file))).toBe(1_203);
  expect(await readBehind('file')).toEqual({ name: 'file', events: 0, oldestAgeMs: 0 });
  expect(await run(fileStream(file))).toBe(0);
  expect(await idsIn(file)).toEqual(ids);
  await seal(db, testKeyring);
  expect(await run(fileStream(file))).toBe(2);
});

test('a renamed file is followed by a new one, and an unfinished line gets its end', async () => {
  const file = join(await temporaryDirectory(), 'audit.ndjson');
  await run(fileStream(file));
  const before = await sealed(1);
  await run(fileStream(file));
  await rename(file, `${file}.1`);
  const after = await sealed(1);
  await run(fileStream(file));
  expect([await idsIn(`${file}.1`), await idsIn(file)]).toEqual([before, after]);
  await appendFile(file, '{"type":"key.rev');
  await sealed(1);
  await run(fileStream(file));
  expect((await readFile(file, 'utf8')).split('\n').map((line) => line.length > 20)).toEqual([
    ...[true, false, true, false],
  ]);
});

test('what a receiver refuses waits, and the streams beside it go on', async () => {
  const got: string[] = [];
  let isAway = true;
  const syslog: AuditStream = {
    name: 'syslog',
    send: async (events: readonly EventEnvelope[]) => {
      if (isAway) throw new Error('away');
      got.push(...events.map(({ data }) => data.event_id));
    },
  };
  const file = join(await temporaryDirectory(), 'audit.ndjson');
  await run(syslog, fileStream(file));
  const ids = await sealed(3);
  faults.length = 0;
  expect(await run(syslog, fileStream(file))).toBe(3);
  expect([faults.length, await behind('syslog'), await behind('file')]).toEqual([1, 3, 0]);
  isAway = false;
  expect(await run(syslog, fileStream(file))).toBe(3);
  expect(got).toEqual(ids);
});

test('of two workers at once one sends; one that was killed is followed when its time is over', async () => {
  let goOn = () => {};
  const begun = Promise.withResolvers<void>();
  const slow: AuditStream = {
    name: 'syslog',
    send: () => {
      begun.resolve();
      return new Promise((resolve) => {
        goOn = resolve;
      });
    },
  };
  const quick: AuditStream = { name: 'syslog', send: () => Promise.resolve() };
  await sealed(2);
  const first = run(slow);
  await begun.promise;
  expect(await run(quick)).toBe(0);
  await query(databaseUrl, "UPDATE audit_streams SET held_until = '-infinity' WHERE name = 'syslog'");
  expect(await run(quick)).toBe(2);
  goOn();
  // Its events were another worker's by then: they are sent twice, and counted once.
  expect(await first).toBe(0);
  expect(await behind('syslog')).toBe(0);
});
