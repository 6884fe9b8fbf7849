import type { Action } from './action.ts';
import type { Operation } from './checker.ts';

/**
 * Written down by hand: `[called, returned, action]`, with the time at which it is settled where
 * that is later.
 */
export type Line = [called: number, returned: number, action: Action, settled?: number];

export function written(...lines: Line[]): Operation<Action>[] {
  return lines.map(([call, returned, action, settled = returned]) => ({ action, call, returned, settled }));
}

export const minted = (key: string): Action => ({ kind: 'mint', outcome: 'minted', key });
export const refreshed = (key: string): Action => ({ kind: 'refresh', outcome: 'refreshed', key });
export const revoked: Action = { kind: 'revoke', outcome: 'revoked' };
export const accepted = (key: string): Action => ({ kind: 'verify', outcome: 'accepted', key });
export const refused = (key: string): Action => ({ kind: 'verify', outcome: 'refused', key });
export const refusedForOrganization = (key: string): Action => ({
  kind: 'verify',
  outcome: 'suspended',
  key,
});
export const disabled = (key: string): Action => ({ kind: 'disable', outcome: 'done', key });
export const enabled = (key: string): Action => ({ kind: 'enable', outcome: 'done', key });
export const reported = (key: string): Action => ({ kind: 'report', outcome: 'done', key });
export const released = (key: string): Action => ({ kind: 'release', outcome: 'done', key, enabled: true });
export const lapsed = (key: string): Action => ({ kind: 'lapse', outcome: 'done', key });
export const suspended: Action = { kind: 'suspend', outcome: 'done' };
export const resumed: Action = { kind: 'resume', outcome: 'done' };
