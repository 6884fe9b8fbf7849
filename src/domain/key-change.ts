/** A stop of all keys of a master key, a user or an organization (domain/key-stop.ts). */
export type StopChangeKind = 'stop_minted_by' | 'stop_user' | 'stop_organization';

type FeedKind = 'key' | 'master_key' | 'organization' | StopChangeKind;

/** Those of operators and roles concern no verifier: they are for the revocation journal. */
export type KeyChangeKind = FeedKind | 'platform_user' | 'role';

/**
 * Kinds that verifiers are told of. `stop_unnamed`: some keys were stopped, and this verifier may
 * not know whose; it reads every record again.
 */
export type ToldKind = FeedKind | 'stop_unnamed';

/** Entry of the change feed: the changed thing, and the revision that caches compare. */
export type KeyChange<Kind = KeyChangeKind> = {
  kind: Kind;
  subjectId: string;
  /** Of a stop: the number in the order of mints below which keys are stopped. */
  revision: number;
  /**
   * New status of an organization; null for keys, whose record is read again. Of a stop: the time
   * before which the keys were created, or null for all.
   */
  status: string | null;
};

/** A change with its position in the feed. */
export type AppliedChange = KeyChange & { seq: number };

export function isSameChange(one: AppliedChange, other: AppliedChange): boolean {
  return one.kind === other.kind && one.subjectId === other.subjectId && one.revision === other.revision;
}

/** A change as verifiers are told of it. */
export type ToldChange = KeyChange<ToldKind> & { seq: number };

/**
 * A change, and the end of the feed before it. A verifier that has applied exactly that much may
 * apply the change without reading the feed: there is nothing in between.
 */
export type FollowingChange = { previousSeq: number; change: AppliedChange };

/** Keys of one organization; of one environment in it, or of all when `environment` is null. */
export type Place = { organizationId: string; environment: string | null };

/**
 * The verifiers that a change concerns. A verifier whose master key cannot see the changed key
 * never accepts it, so no caller has to wait for that verifier.
 */
export type Audience = 'everybody' | { places: readonly Place[] } | { masterKeyId: string };

/**
 * The part of a change that verifiers must hear. `changes` go into the feed. `alreadyTold` stands
 * for a repeated request: an earlier one changed it, and its entry is somewhere before the feed's
 * end.
 */
export type Revokes =
  | { changes: readonly KeyChange[]; audience: Audience }
  | { alreadyTold: true; audience: Audience };

/** For changes that turn no yes into a no. */
export const revokesNothing: Revokes = { changes: [], audience: { places: [] } };

/** Feed entry for a platform user or a role whose rights may have become fewer. */
export function revokesOperators(kind: 'platform_user' | 'role', id: string): Revokes {
  return { changes: [{ kind, subjectId: id, revision: 0, status: null }], audience: { places: [] } };
}

type Changed = { id: string; revision: number; organizationId: string; environment: string };

/** Feed entries for changed keys of any kind. */
export function revokesKeys(keys: readonly Changed[]): Revokes {
  const changes = keys.map(({ id, revision }): KeyChange => keyChange(id, revision));
  return { changes, audience: { places: placesOf(keys) } };
}

function keyChange(subjectId: string, revision: number): KeyChange {
  return { kind: 'key', subjectId, revision, status: null };
}

/** Distinct places. The keys of a user are mostly in one. */
export function placesOf(keys: readonly Place[]): Place[] {
  const places = new Map<string, Place>();
  for (const { organizationId, environment } of keys) {
    places.set(`${organizationId} ${environment}`, { organizationId, environment });
  }
  return [...places.values()];
}

/**
 * Whether the verifier must learn of the change. A reader without a master key is an API process.
 */
export function isConcerned(
  audience: Audience,
  { masterKeyId, organizationIds, environments }: Reader,
): boolean {
  if (audience === 'everybody' || masterKeyId === null) return true;
  if ('masterKeyId' in audience) return audience.masterKeyId === masterKeyId;
  return audience.places.some(
    (place) =>
      (organizationIds?.includes(place.organizationId) ?? true) &&
      (place.environment === null || (environments?.includes(place.environment) ?? true)),
  );
}

/** A verifier's master key with its allow-lists; null lists allow all. */
type Reader = {
  masterKeyId: string | null;
  organizationIds: readonly string[] | null;
  environments: readonly string[] | null;
};
