import { afterEach, expect, test, vi } from 'vitest';
import type { AskedScope } from '../../src/domain/asked-scope.ts';
import { FlowplateApiError } from '../../src/sdk/errors.ts';
import { ReportedScopes } from '../../src/sdk/reported-scopes.ts';

afterEach(() => void vi.useRealTimers());

/** Reports as a broker gets them, which refuses with what is in `refusals`, one after the other. */
function newScopes() {
  const lease = { verifierId: 'one' as string | undefined, registrations: 1 };
  const reports: string[][] = [];
  const refusals: FlowplateApiError[] = [];
  const faults: unknown[] = [];
  const broker = {
    reportScopes: async (verifierId: string, asked: readonly AskedScope[]) => {
      const refused = refusals.shift();
      if (refused !== undefined) throw refused;
      reports.push([verifierId, ...asked.map(({ organizationId, scope }) => `${organizationId} ${scope}`)]);
    },
  };
  const scopes = new ReportedScopes({ broker, lease, onFault: (fault) => void faults.push(fault) });
  return { scopes, lease, reports, refusals, faults };
}

function refusal(status: number, code: FlowplateApiError['code']): FlowplateApiError {
  const untold = { traceId: undefined, details: {}, retryAfterSeconds: undefined };
  return new FlowplateApiError({ status, code, message: 'refused', ...untold });
}

test('each registration begins with an empty report, and everything is told anew after it', async () => {
  const { scopes, lease, reports } = newScopes();
  await scopes.flush();
  scopes.note('org_1', ['read']);
  await scopes.flush();
  scopes.note('org_1', ['read']);
  await scopes.flush();
  Object.assign(lease, { verifierId: 'two', registrations: 2 });
  await scopes.flush();
  scopes.note('org_1', ['read']);
  await scopes.flush();
  expect(reports).toEqual([['one'], ['one', 'org_1 read'], ['two'], ['two', 'org_1 read']]);
});

test('before the first registration scopes wait', async () => {
  const { scopes, lease, reports } = newScopes();
  lease.verifierId = undefined;
  scopes.note('org_1', ['read']);
  await scopes.flush();
  lease.verifierId = 'one';
  await scopes.flush();
  expect(reports).toEqual([['one'], ['one', 'org_1 read']]);
});

test('a broker that does not know the report is asked again after five minutes, and gets what has waited', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { scopes, reports, refusals, faults } = newScopes();
  refusals.push(refusal(404, 'ROUTE_NOT_FOUND'));
  scopes.note('org_1', ['read']);
  await scopes.flush();
  vi.advanceTimersByTime(299_000);
  scopes.note('org_1', ['write']);
  await scopes.flush();
  expect(reports).toEqual([]);
  vi.advanceTimersByTime(2_000);
  await scopes.flush();
  expect(reports).toEqual([['one'], ['one', 'org_1 read', 'org_1 write']]);
  expect(faults).toEqual([]);
});

test('what the broker refuses for good is a fault, and holds up no later report', async () => {
  const { scopes, reports, refusals, faults } = newScopes();
  await scopes.flush();
  refusals.push(refusal(422, 'VALIDATION_ERROR'));
  scopes.note('org_1', ['read']);
  await scopes.flush();
  scopes.note('org_1', ['write']);
  await scopes.flush();
  expect(reports).toEqual([['one'], ['one', 'org_1 write']]);
  expect(faults).toMatchObject([{ code: 'VALIDATION_ERROR' }]);
});

test('a report for a verifier that is not registered any more is repeated after the next registration', async () => {
  const { scopes, lease, reports, refusals } = newScopes();
  await scopes.flush();
  refusals.push(refusal(404, 'VERIFIER_NOT_FOUND'));
  scopes.note('org_1', ['read']);
  await expect(scopes.flush()).rejects.toThrow('VERIFIER_NOT_FOUND');
  Object.assign(lease, { verifierId: 'two', registrations: 2 });
  await scopes.flush();
  expect(reports).toEqual([['one'], ['two'], ['two', 'org_1 read']]);
});

test('more scopes than one report takes are told in parts', async () => {
  const { scopes, reports } = newScopes();
  scopes.note(
    'org_1',
    Array.from({ length: 450 }, (_, index) => `scope:${index}`),
  );
  await scopes.flush();
  expect(reports.map(({ length }) => length - 1)).toEqual([0, 200, 200, 50]);
});
