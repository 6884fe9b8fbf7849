import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRenewable, type KeyStatus, renewableMs, statusAt } from '../../src/domain/user-key.ts';

const end = new Date('2030-03-01T00:00:00.000Z');
const before = new Date(end.getTime() - 1);
const after = new Date(end.getTime() + 1);

type Ends = { expiresAt?: Date; supersededUntil?: Date; quarantinedUntil?: Date };

function key(status: KeyStatus, ends: Ends = {}) {
  return { status, expiresAt: null, supersededUntil: null, quarantinedUntil: null, ...ends };
}

describe('an active key', () => {
  test('without an expiry is active for ever', () => {
    expect(statusAt(key('active'), new Date('9999-12-31'))).toBe('active');
  });

  test('is active until the last millisecond before its expiry and expired from the instant itself', () => {
    expect(statusAt(key('active', { expiresAt: end }), before)).toBe('active');
    expect(statusAt(key('active', { expiresAt: end }), end)).toBe('expired');
    expect(statusAt(key('active', { expiresAt: end }), after)).toBe('expired');
  });
});

describe('a superseded key', () => {
  test('is superseded until the last millisecond of its grace and revoked from the instant itself', () => {
    expect(statusAt(key('superseded', { supersededUntil: end }), before)).toBe('superseded');
    expect(statusAt(key('superseded', { supersededUntil: end }), end)).toBe('revoked');
    expect(statusAt(key('superseded', { supersededUntil: end }), after)).toBe('revoked');
  });

  test('never outlives its own expiry, however long its grace', () => {
    const inGrace = key('superseded', { expiresAt: end, supersededUntil: new Date('2031-01-01') });
    expect(statusAt(inGrace, before)).toBe('superseded');
    expect(statusAt(inGrace, end)).toBe('expired');
  });

  test('whose grace and expiry end in the same instant is revoked', () => {
    expect(statusAt(key('superseded', { expiresAt: end, supersededUntil: end }), end)).toBe('revoked');
  });
});

describe('a quarantined key', () => {
  test('is quarantined until the last millisecond and revoked from the instant itself', () => {
    const reported = key('quarantined', { quarantinedUntil: end });
    expect([before, end, after].map((now) => statusAt(reported, now))).toEqual([
      'quarantined',
      'revoked',
      'revoked',
    ]);
  });

  test('is revoked at the end of its grace, and stays quarantined beyond its expiry', () => {
    const later = new Date('2031-01-01');
    const inGrace = key('quarantined', { quarantinedUntil: later, supersededUntil: end });
    expect([before, end].map((now) => statusAt(inGrace, now))).toEqual(['quarantined', 'revoked']);
    expect(statusAt(key('quarantined', { quarantinedUntil: later, expiresAt: end }), after)).toBe(
      'quarantined',
    );
  });

  test('cannot be renewed: a release or a refresh comes first', () => {
    expect(isRenewable(key('quarantined', { quarantinedUntil: end, expiresAt: before }), before)).toBe(false);
  });
});

describe('a key can be renewed', () => {
  const lastMoment = new Date(end.getTime() + renewableMs);
  const tooLate = new Date(lastMoment.getTime() + 1);

  test.each(['active', 'expired'] as const)(
    'from its expiry on for 30 days to the millisecond, with a row that says %s',
    (status) => {
      const ended = key(status, { expiresAt: end });
      expect([end, lastMoment, tooLate].map((now) => isRenewable(ended, now))).toEqual([true, true, false]);
    },
  );

  test('neither before its expiry nor without one', () => {
    expect(isRenewable(key('active', { expiresAt: end }), before)).toBe(false);
    expect(isRenewable(key('active'), after)).toBe(false);
  });

  test('neither when it was revoked nor when it has a successor', () => {
    for (const status of ['revoked', 'superseded'] as const) {
      expect(isRenewable(key(status, { expiresAt: end, supersededUntil: tooLate }), after)).toBe(false);
    }
  });
});

test.each(['revoked', 'expired'] as const)('a key that is %s stays so, whatever its times say', (status) => {
  const future = new Date('2999-01-01');
  expect(statusAt(key(status, { expiresAt: future, supersededUntil: future }), end)).toBe(status);
  expect(statusAt(key(status, { expiresAt: before, supersededUntil: before }), end)).toBe(status);
});

test('no key comes back: once it is over it stays over', () => {
  const times = fc.date({ min: new Date('2029-01-01'), max: new Date('2031-01-01'), noInvalidDate: true });
  const keys = fc.record({
    status: fc.constantFrom<KeyStatus>('active', 'superseded', 'revoked', 'expired'),
    expiresAt: fc.option(times),
    supersededUntil: fc.option(times),
    quarantinedUntil: fc.constant(null),
  });
  const isOver = (status: KeyStatus) => status === 'revoked' || status === 'expired';
  fc.assert(
    fc.property(keys, times, times, (some, one, other) => {
      const [earlier, later] = one < other ? [one, other] : [other, one];
      if (isOver(statusAt(some, earlier))) expect(isOver(statusAt(some, later))).toBe(true);
    }),
  );
});
