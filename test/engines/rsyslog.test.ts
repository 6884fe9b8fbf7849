import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { syslogStream } from '../../src/audit-streams/syslog-stream.ts';
import { toEnvelope } from '../../src/domain/events/envelope.ts';
import { streamAudit } from '../../src/usecases/audit/stream-audit.ts';
import { endAll } from '../support/at-end.ts';
import { auditEvent, seal, writeEvents } from '../support/audit-chain.ts';
import { type Authority, newAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { openStores } from '../support/stores.ts';
import { serverDirectory } from '../support/temporary-directory.ts';
import { testKeyring } from '../support/use-case-parts.ts';
import { type Rsyslog, startRsyslog } from './rsyslog.ts';

const stores = await openStores();
const { db } = stores;
let authority: Authority;
let rsyslog: Rsyslog;
let receiver: Parameters<typeof syslogStream>[0];
const faults: Error[] = [];
beforeAll(async () => {
  authority = await newAuthority(await mkdtemp(join(inject('runDirectory'), 'siem-')), 'siem-ca');
  rsyslog = await startRsyslog(authority);
  const own = await authority.issue({ subject: '/CN=worker', purpose: 'clientAuth' });
  const pem = (file: string) => readFile(file, 'utf8');
  receiver = {
    ...{ host: '127.0.0.1', port: rsyslog.port },
    ...{ ca: await pem(authority.certificate), cert: await pem(own.certificate), key: await pem(own.key) },
  };
  await run();
}, 120_000);
afterAll(async () => {
  await endAll();
  await stores.close();
});

const run = (to = receiver) =>
  streamAudit({
    db,
    auditStreams: [syslogStream(to)],
    onStreamFault: (_, error) => faults.push(error as Error),
  });

async function sealed(count: number): Promise<string[]> {
  const events = await writeEvents(db, count);
  await seal(db, testKeyring);
  return events.map(({ id }) => id);
}

const idsIn = (lines: readonly string[]) =>
  lines.map((line) => JSON.parse(line.slice(line.indexOf('{'))).data.event_id as string);

test('rsyslog gets every event whole and in order, with its type as message id', async () => {
  const ids = await sealed(1_100);
  expect(await run()).toBe(1_100);
  const lines = await eventually(10_000, rsyslog.lines, (got) => got.length >= 1_100);
  expect(idsIn(lines)).toEqual(ids);
  expect(lines[0]).toMatch(/^flowplate key\.revoked (13|audit)\.notice.* \{"type":"key\.revoked",/);
});

test('events that rsyslog was not there for arrive when it is back: none is missing, and their order is kept', async () => {
  const before = (await rsyslog.lines()).length;
  await rsyslog.stop();
  const ids = await sealed(20);
  faults.length = 0;
  expect(await run()).toBe(0);
  expect(faults).toHaveLength(1);
  await rsyslog.start();
  expect(await run()).toBe(20);
  const lines = await eventually(10_000, rsyslog.lines, (got) => got.length >= before + 20);
  expect(idsIn(lines.slice(before))).toEqual(ids);
});

test('a receiver with a certificate of somebody else gets nothing', async () => {
  const stranger = await newAuthority(await serverDirectory(), 'stranger-ca');
  await sealed(1);
  faults.length = 0;
  expect(await run({ ...receiver, ca: await readFile(stranger.certificate, 'utf8') })).toBe(0);
  expect(faults[0]?.message).toMatch(/certificate/);
});

test('a receiver that closes before everything was sent has not got it', async () => {
  const own = await authority.issue({ alternativeNames: 'IP:127.0.0.1', purpose: 'serverAuth' });
  const [cert, key] = [await readFile(own.certificate), await readFile(own.key)];
  const server = createServer({ cert, key, allowHalfOpen: true }, (socket) => socket.end().resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { cert: _, key: __, ...anonymous } = receiver;
  // More than the buffers of both sockets hold.
  const event = toEnvelope(auditEvent({ targetId: 'x'.repeat(32 * 1024 * 1024) }));
  await expect(syslogStream({ ...anonymous, port }).send([event])).rejects.toThrow();
  server.close();
});
