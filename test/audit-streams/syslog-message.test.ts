import { expect, test } from 'vitest';
import { toFrame, toSyslogMessage } from '../../src/audit-streams/syslog-message.ts';
import { toEnvelope } from '../../src/domain/events/envelope.ts';
import { auditEvent } from '../support/audit-chain.ts';

const event = auditEvent({ id: 'evt_0P2bQe7sT1yV3xW5zA7cE9' }, new Date('2026-11-28T06:00:00.123Z'));

test('a message has facility "log audit", the time, the type as its id, and the envelope as JSON', () => {
  const message = toSyslogMessage(toEnvelope(event), 'worker-1');
  const [, header, json] = /^(<109>1 \S+ worker-1 flowplate - key\.revoked -) (\{.*\})$/.exec(message) ?? [];
  expect(header).toBe('<109>1 2026-11-28T06:00:00.123Z worker-1 flowplate - key.revoked -');
  expect(JSON.parse(json ?? '')).toEqual(toEnvelope(event));
});

test('a refusal is a warning', () => {
  const refused = toEnvelope({ ...event, result: 'refused' });
  expect(toSyslogMessage(refused, 'worker-1')).toMatch(/^<108>1 /);
});

test('the text is ASCII alone, so that its length in bytes is that of the frame', () => {
  const odd = toEnvelope({ ...event, targetId: 'kläffer 🔑\n' });
  const message = toSyslogMessage(odd, 'hôte');
  expect(message).toMatch(/^[\x20-\x7e]+$/);
  expect(message).toContain(' - flowplate - ');
  expect(toFrame(message)).toBe(`${Buffer.byteLength(message)} ${message}`);
  expect(JSON.parse(message.slice(message.indexOf('{'))).data.target_id).toBe('kläffer 🔑\n');
});
