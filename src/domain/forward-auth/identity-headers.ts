import type { Accepted } from '../verdict.ts';

/**
 * The headers by which a gateway tells its upstream whose request it is. Names and values in one
 * flat list: Node writes that shape without building an object of headers first.
 */
export function identityHeaderList(verdict: Accepted): string[] {
  return [
    'x-flowplate-user-id',
    verdict.user_id,
    'x-flowplate-organization-id',
    verdict.organization_id,
    'x-flowplate-key-id',
    verdict.key_id,
    'x-flowplate-environment',
    verdict.environment,
    'x-flowplate-scopes',
    verdict.scopes.join(' '),
  ];
}
