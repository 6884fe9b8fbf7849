import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Explanation } from '../../src/domain/explanation.ts';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import { isAccepted } from '../../src/domain/verdict.ts';
import { decide } from '../../src/verify/decide.ts';
import { type ExplainRequest, explainRecord } from '../../src/verify/explain.ts';
import type { LimitVerdict } from '../../src/verify/limit-verdict.ts';
import { keyRecord } from '../support/key-record.ts';
import { nowMs, randomCalls, randomRecords } from './random-decisions.ts';

const explain = (
  record: KeyRecord,
  request: ExplainRequest,
  organizationActive = true,
  limits: LimitVerdict = { refusal: undefined },
): Promise<Explanation> =>
  explainRecord(
    {
      clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
      records: { find: () => Promise.reject(new Error('not asked')) } as never,
      readLimits: async () => limits,
    },
    { record, organizationActive },
    request,
  );

const failedOf = ({ checks }: Explanation) =>
  checks.filter(({ result }) => result === 'failed').map(({ check }) => check);

test('the first check that failed is the code of the verdict, and none failed where it is a yes', async () => {
  await fc.assert(
    fc.asyncProperty(randomRecords, randomCalls, fc.boolean(), async (record, asked, organizationActive) => {
      const explained = await explain(record, asked, organizationActive);
      const code = decide(record, asked, { nowMs, organizationActive });
      expect([explained.valid, explained.code]).toEqual([isAccepted(code), code]);
      expect(failedOf(explained)[0]).toBe(isAccepted(code) ? undefined : code);
    }),
    { numRuns: 10_000 },
  );
});

test('every check is there in the order of the contract, also behind the first that failed', async () => {
  const worst = keyRecord({
    status: 'revoked',
    enabled: false,
    expiresAtMs: nowMs - 1,
    environment: 'dev',
    organizationId: 'org_other',
    ipAllowlist: ['10.0.0.0/8'],
    scopes: ['write'],
  });
  const asked = { environment: 'prod', organizationId: 'org_1', ip: '192.0.2.1', scopes: ['read'] };
  const at = new Date(nowMs).toISOString();
  expect(await explain(worst, asked, false)).toStrictEqual({
    valid: false,
    code: 'REVOKED',
    checks: [
      { check: 'MALFORMED', result: 'passed', asked: null, has: null },
      { check: 'NOT_FOUND', result: 'passed', asked: null, has: worst.id },
      {
        check: 'REVOKED',
        result: 'failed',
        asked: at,
        has: { status: 'revoked', superseded_until: null, superseded_by: null },
      },
      { check: 'DISABLED', result: 'failed', asked: null, has: { enabled: false } },
      { check: 'QUARANTINED', result: 'passed', asked: at, has: { quarantined_until: null } },
      { check: 'EXPIRED', result: 'failed', asked: at, has: new Date(nowMs - 1).toISOString() },
      { check: 'ORGANIZATION_SUSPENDED', result: 'failed', asked: null, has: { active: false } },
      { check: 'ENVIRONMENT_MISMATCH', result: 'failed', asked: 'prod', has: 'dev' },
      { check: 'ORGANIZATION_MISMATCH', result: 'failed', asked: 'org_1', has: 'org_other' },
      { check: 'IP_NOT_ALLOWED', result: 'failed', asked: '192.0.2.1', has: ['10.0.0.0/8'] },
      { check: 'INSUFFICIENT_SCOPE', result: 'failed', asked: ['read'], has: ['write'] },
      { check: 'RATE_LIMITED', result: 'passed', asked: 1, has: null },
      { check: 'QUOTA_EXCEEDED', result: 'passed', asked: 1, has: null },
    ],
  });
});

describe('at another time', () => {
  const record = keyRecord({ expiresAtMs: nowMs + 1_000, rateLimit: { limit: 1, window_seconds: 60 } });
  const state = { limit: 1, remaining: 0, reset_at: null, enforced: true, window_seconds: 60 };
  const used: LimitVerdict = { refusal: undefined, rate_limit: state };

  test('ends are judged by that time', async () => {
    expect((await explain(record, { at: new Date(nowMs + 999) }, true, used)).code).toBe('VALID');
    expect((await explain(record, { at: new Date(nowMs + 1_000) }, true, used)).code).toBe('EXPIRED');
  });

  test('limits are not judged, since nobody knows what is left then', async () => {
    const now = await explain(record, {}, true, used);
    expect([now.code, failedOf(now)]).toEqual(['RATE_LIMITED', ['RATE_LIMITED']]);
    const later = await explain(record, { at: new Date(nowMs + 1) }, true, used);
    expect(later.checks.filter(({ result }) => result === 'not_reached').map(({ check }) => check)).toEqual([
      'RATE_LIMITED',
      'QUOTA_EXCEEDED',
    ]);
    expect(later.rate_limit).toEqual(state);
  });
});
