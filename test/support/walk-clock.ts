import { onTestFinished } from 'vitest';
import type { ServerClock } from '../../src/revocation/server-clock.ts';
import type { TestBroker } from './broker.ts';

export const secondMs = 1_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/**
 * Moves this broker's clocks forward until the end of the test, the monotonic one included. Redis
 * and Postgres keep their own; a walk beyond five minutes makes every cached record too old, so
 * that verification reads Postgres.
 */
export function walkClock(broker: TestBroker, byMs: number): void {
  const clock = broker.api.parts.clock as ServerClock;
  const nowMs = clock.nowMs.bind(clock);
  const monotonicMs = clock.monotonicMs.bind(clock);
  clock.nowMs = () => nowMs() + byMs;
  clock.monotonicMs = () => monotonicMs() + byMs;
  clock.earliest = () => clock.now();
  onTestFinished(() => {
    for (const name of ['nowMs', 'monotonicMs', 'earliest']) Reflect.deleteProperty(clock, name);
  });
}

/** Like `walkClock`, for a server with a wrong clock: this machine's own stays right. */
export function misleadClock(broker: TestBroker, byMs: number): () => void {
  const clock = broker.api.parts.clock as ServerClock;
  const nowMs = clock.nowMs.bind(clock);
  clock.nowMs = () => nowMs() + byMs;
  const correct = () => void Reflect.deleteProperty(clock, 'nowMs');
  onTestFinished(correct);
  return correct;
}

/** Stops this broker's clock until the end of the test. */
export function stopClock(broker: TestBroker): void {
  const clock = broker.api.parts.clock as ServerClock;
  const nowMs = clock.nowMs();
  clock.nowMs = () => nowMs;
  onTestFinished(() => void Reflect.deleteProperty(clock, 'nowMs'));
}
