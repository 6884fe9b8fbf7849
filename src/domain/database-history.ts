/** Where a read found the database. */
export type FeedPlace = {
  /** The present history; null while it is held. */
  historyId: string | null;
  /** End of the change feed. */
  lastSeq: number;
};

export type HistoryPosition = FeedPlace & {
  /** Why it is held; null when it is not. */
  heldReason: string | null;
  /** Number that each promotion of a standby raises. */
  timeline: number;
  /** Tells two servers apart. */
  server: string;
};
