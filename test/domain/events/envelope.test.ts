import { expect, test } from 'vitest';
import { type AuditEvent, auditEventTypes } from '../../../src/domain/audit-event.ts';
import { toEnvelope, toStreamEnvelope } from '../../../src/domain/events/envelope.ts';
import { eventTypes } from '../../../src/domain/events/event-types.ts';
import { exampleEnvelope } from '../../../src/domain/events/example.ts';

const secrets = [
  'anna@example.com',
  'fl_user_prod_9fJ2kQ7aZx81LmN4pQr5sTu6vWx7yZa8bCd9eFg0123456',
  'flplatform_9fJ2kQ7aZx81LmN4pQr5sTu6vWx7yZa8bCd9eFg0123456',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl',
];
const metadata = { cost_centre: 'finance-7' };

function eventOf(
  eventType: AuditEvent['eventType'],
  details: Record<string, unknown>,
  id = 'u_1',
): AuditEvent {
  return {
    id: 'evt_2A4fTi1wX5cZ7dB9eE1gI3',
    eventType,
    actor: { kind: 'master_key', id },
    organizationId: id,
    targetId: id,
    requestId: id,
    onBehalfOf: id,
    clientAddress: '203.0.113.7',
    result: 'success',
    details,
    createdAt: new Date('2026-12-01T09:30:00Z'),
  };
}

test('no envelope of any type has a secret, an e-mail address, a digest or metadata, whatever its event holds', () => {
  const others = [
    'email',
    'name',
    'metadata',
    'digest',
    'key',
    'secret',
    'address_book',
    'user_agent',
    'path',
  ];
  for (const type of auditEventTypes) {
    const names = [...Object.keys(eventTypes[type].details.shape), ...others];
    for (const secret of secrets) {
      for (const value of [secret, [secret], { [secret]: secret }, { limit: 1, period: secret }, metadata]) {
        const details = Object.fromEntries(names.map((name) => [name, value]));
        const text = JSON.stringify(toEnvelope(eventOf(type, details, secret)));
        expect(text).not.toContain(secret);
        expect(text).not.toContain('finance-7');
      }
    }
  }
});

test('an envelope has what its event has, and leaves out only the field that may not be shown', () => {
  const details = {
    user_id: 'anna@example.com',
    environment: 'prod',
    key_prefix: 'fl_user_prod_9fJ2kQ7a',
    name: 'x',
  };
  expect(toEnvelope(eventOf('key.minted', details))).toEqual({
    type: 'key.minted',
    timestamp: '2026-12-01T09:30:00.000Z',
    data: {
      event_id: 'evt_2A4fTi1wX5cZ7dB9eE1gI3',
      organization_id: 'u_1',
      target_id: 'u_1',
      actor: { kind: 'master_key', id: 'u_1' },
      request_id: 'u_1',
      on_behalf_of: 'u_1',
      client_address: '203.0.113.7',
      result: 'success',
      details: { environment: 'prod', key_prefix: 'fl_user_prod_9fJ2kQ7a' },
    },
  });
});

test('the address of a person is for streams of the audit log alone', () => {
  const event: AuditEvent = {
    ...eventOf('platform.logout', {}),
    actor: { kind: 'platform_user', id: 'puser_1' },
  };
  expect(toEnvelope(event).data.client_address).toBeUndefined();
  expect(toStreamEnvelope(event).data.client_address).toBe('203.0.113.7');
});

test('the example of every type shows each of its details that it names', () => {
  for (const type of auditEventTypes) {
    expect(exampleEnvelope(type).data.details, type).toEqual(eventTypes[type].example);
  }
});

test('an event of a type that only a newer release knows is shown without details', () => {
  const unknown = 'key.invented' as AuditEvent['eventType'];
  expect(toEnvelope(eventOf(unknown, { user_id: 'u_1' })).data.details).toEqual({});
});
