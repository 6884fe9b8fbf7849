import type { BulkAction, BulkFilter } from './bulk-order.ts';
import type { Keyring } from './key-digest.ts';
import type { Principal, VisibleScope } from './principal.ts';
import { Stamps } from './stamp.ts';

/** A preview: the order, and the keys that were shown for it. */
export type Previewed = {
  action: BulkAction;
  filter: BulkFilter;
  count: number;
  /** Those of them that were created since `recentSince`. */
  recentCount: number;
  /** Highest mint number among the keys; null when none of them has one. */
  newestMintNumber: number | null;
  /** End of the change feed before the keys were counted. */
  feedSeq: number;
  expiresAtMs: number;
};

/** How long people read. Feed entries live an hour, so later changes can always be told. */
export const confirmTokenLifeMs = 10 * 60_000;

/** Longer than a mint is under way and clocks differ. */
const recentMs = 60_000;

/**
 * A key that was created before this time, and that the preview does not count, cannot come in by a
 * mint any more.
 */
export function recentSince({ expiresAtMs }: Pick<Previewed, 'expiresAtMs'>): Date {
  return new Date(expiresAtMs - confirmTokenLifeMs - recentMs);
}

type Holder = Principal & VisibleScope;

/**
 * Confirmation token: the preview of one caller, with a message authentication code. It travels
 * with the order, so that nothing has to be stored for previews that nobody confirms.
 */
export function newConfirmToken(keyring: Keyring, holder: Holder, previewed: Previewed): string {
  const text = stampsOf(keyring).stamp(nameOf(holder), JSON.stringify(previewed));
  return Buffer.from(text).toString('base64url');
}

/** Undefined for a forged or expired token, and for that of another caller, action or filter. */
export function openConfirmToken(
  keyring: Keyring,
  holder: Holder,
  token: string,
  wanted: Pick<Previewed, 'action' | 'filter'> & { now: Date },
): Previewed | undefined {
  const text = stampsOf(keyring).open(nameOf(holder), Buffer.from(token, 'base64url').toString());
  if (text === undefined) return undefined;
  const previewed = JSON.parse(text) as Previewed;
  const isSame =
    previewed.action === wanted.action && JSON.stringify(previewed.filter) === JSON.stringify(wanted.filter);
  return isSame && wanted.now.getTime() < previewed.expiresAtMs ? previewed : undefined;
}

/** Named for its fields: a token of the release before has no `recentCount`, and does not open. */
function stampsOf(keyring: Keyring): Stamps {
  return new Stamps(keyring, 'bulk orders, recent');
}

/** Allow-lists are a part of it: an operator inside one organization is not the one outside. */
function nameOf({ kind, id, organizationIds, environments }: Holder): string {
  return JSON.stringify([kind, id, organizationIds, environments]);
}
