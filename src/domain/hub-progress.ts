/** A follower that has not applied all that it was told, with the position up to which it has. */
export type Laggard = { id: string; masterKeyId: string; appliedSeq: number };

/** What a hub says of itself and of its followers. */
export type HubProgress = {
  /** Position that itself and all followers have applied. */
  settledSeq: number;
  /** Position that itself and all followers but the laggards have applied. */
  reachedSeq: number;
  /** Number of followers with a lease, by master key. */
  followers: Readonly<Record<string, number>>;
  laggards: readonly Laggard[];
};
