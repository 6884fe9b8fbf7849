import { type ConfigFacts, diagnose, type PostgresFacts, type RedisFacts } from '../../domain/diagnosis.ts';
import type { Finding } from '../../domain/finding.ts';
import type { QueueHealth } from '../../stores/queue-health.ts';

export type DiagnosisParts = {
  configFacts: ConfigFacts;
  readPostgres: () => Promise<PostgresFacts>;
  /** These reject soon when their Redis does not answer. */
  readRedis: () => Promise<RedisFacts>;
  readQueueRedis: () => Promise<RedisFacts>;
  readQueue: () => Promise<QueueHealth>;
  areMetricsReachable: () => Promise<boolean>;
  isBreakGlassReady: () => Promise<boolean>;
  isProviderReachable: () => Promise<boolean | null>;
};

export type Diagnosis = {
  postgresVersion: string;
  redisVersion: string | null;
  nowMs: number;
  findings: Finding[];
};

/** Looks for settings that break a guarantee or an operation, each with its fix. */
export async function getDiagnosis(parts: DiagnosisParts): Promise<Diagnosis> {
  const orNull = () => null;
  const [postgres, redis, queueRedis, queue, areMetricsReachable, isBreakGlassReady, isProviderReachable] =
    await Promise.all([
      withMoment(parts.readPostgres()),
      parts.readRedis().catch(orNull),
      parts.readQueueRedis().catch(orNull),
      parts.readQueue().catch(orNull),
      parts.areMetricsReachable(),
      parts.isBreakGlassReady(),
      parts.isProviderReachable(),
    ]);
  const { nowMs } = postgres;
  const jobOverdueSeconds = queue?.oldestDue?.seconds ?? 0;
  const findings = diagnose({
    config: parts.configFacts,
    postgres: postgres.facts,
    redis,
    queueRedis,
    jobOverdueSeconds,
    areMetricsReachable,
    isBreakGlassReady,
    isProviderReachable,
    nowMs,
  });
  const { version } = postgres.facts;
  const postgresVersion = `${Math.floor(version / 10_000)}.${version % 10_000}`;
  return { postgresVersion, redisVersion: redis?.version ?? null, nowMs, findings };
}

/** This process's time in the middle of the reading, to compare clocks. */
async function withMoment(reading: Promise<PostgresFacts>) {
  const sentMs = Date.now();
  const facts = await reading;
  return { facts, nowMs: (sentMs + Date.now()) / 2 };
}
