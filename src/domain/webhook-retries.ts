const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits after the first failed attempt, the second, and so on: 22 h 42 min in all. */
const waitsMs: readonly number[] = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
];

/** Share of a wait by which it may be shorter or longer, so that retries spread. */
const jitter = 0.2;

/**
 * Wait before the next attempt after `attempts` failed ones; undefined when there is none, and the
 * event becomes a dead letter. `random`: from 0 to 1.
 */
export function retryWaitMs(attempts: number, random: number): number | undefined {
  const waitMs = waitsMs[attempts - 1];
  return waitMs === undefined ? undefined : Math.round(waitMs * (1 + jitter * (2 * random - 1)));
}

/** A week. An endpoint that only failed for so long is disabled. */
const failingMsMax = 7 * 24 * hour;

export type WebhookDisabledReason = 'gone' | 'failing' | 'organization_deleted';

/**
 * Why an endpoint is disabled after a failed attempt; undefined while it goes on. `gone`: it
 * answered 410. `failing`: a week of nothing but failures, and this event was tried to its end, so
 * that one failure after a quiet week is not the last.
 */
export function reasonToDisable(
  { answer, status, at }: { answer: { status: number | null }; status: 'pending' | 'dead'; at: Date },
  failingSince: Date,
): WebhookDisabledReason | undefined {
  if (answer.status === 410) return 'gone';
  const isFailing = status === 'dead' && at.getTime() - failingSince.getTime() >= failingMsMax;
  return isFailing ? 'failing' : undefined;
}
