import { describe, expect, test } from 'vitest';
import { masterKeyPermissions } from '../../src/domain/permission.ts';
import {
  isVisibleTo,
  type MasterKeyPrincipal,
  originOf,
  requireMasterKeyPermission,
  requireVisible,
} from '../../src/domain/principal.ts';

function principal(limits: Partial<MasterKeyPrincipal> = {}): MasterKeyPrincipal {
  const kind = 'master_key' as const;
  const all = { permissions: masterKeyPermissions, organizationIds: null, environments: null };
  return { kind, id: 'flm_1', name: 'test', ...all, ...limits };
}

describe('a key of org_a in prod', () => {
  test.each([
    ['without lists', true, {}],
    ['with its organization', true, { organizationIds: ['org_b', 'org_a'] }],
    ['with its environment', true, { environments: ['prod'] }],
    ['with both', true, { organizationIds: ['org_a'], environments: ['prod', 'dev'] }],
    ['with another organization', false, { organizationIds: ['org_b'] }],
    ['with another environment', false, { environments: ['dev'] }],
    [
      'with its organization but another environment',
      false,
      { organizationIds: ['org_a'], environments: ['dev'] },
    ],
    [
      'with its environment but another organization',
      false,
      { organizationIds: ['org_b'], environments: ['prod'] },
    ],
    ['with an empty list of organizations', false, { organizationIds: [] }],
    ['with an empty list of environments', false, { environments: [] }],
    [
      'with an organization whose name only begins alike',
      false,
      { organizationIds: ['org_', 'org_aa', 'ORG_A'] },
    ],
  ])('for a caller %s is visible: %s', (_what, isVisible, limits) => {
    expect(isVisibleTo(principal(limits), 'org_a', 'prod')).toBe(isVisible);
    const require = () => requireVisible(principal(limits), 'org_a', 'prod');
    if (isVisible) expect(require).not.toThrow();
    else expect(require).toThrow(expect.objectContaining({ code: 'INSUFFICIENT_PERMISSIONS' }));
  });
});

describe.each(masterKeyPermissions)('the permission %s', (permission) => {
  test('is held by whom it was given to', () => {
    expect(() =>
      requireMasterKeyPermission(principal({ permissions: [permission] }), permission),
    ).not.toThrow();
  });

  test('is not replaced by all the others together, and the refusal names it', () => {
    const others = masterKeyPermissions.filter((other) => other !== permission);
    expect(() => requireMasterKeyPermission(principal({ permissions: others }), permission)).toThrow(
      expect.objectContaining({
        code: 'INSUFFICIENT_PERMISSIONS',
        details: { required_permission: permission },
      }),
    );
  });
});

test('what a caller does is written down under its id and its request', () => {
  expect(originOf({ principal: principal(), requestId: 'req_1' })).toEqual({
    actor: { kind: 'master_key', id: 'flm_1' },
    requestId: 'req_1',
    onBehalfOf: null,
    clientAddress: null,
  });
});
