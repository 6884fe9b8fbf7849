import type { ClosedLoopJob, LoadResult, Target, Until } from '../load/jobs.ts';
import type { RequestPlan, Sender } from '../load/request-source.ts';
import type { Stage } from '../stage/stage.ts';
import { connections, type Pace } from './scenario.ts';

type Door = 'verify' | 'authorize' | 'authorize, bare';

export type Draw = {
  keysFile?: string;
  count?: number;
  door?: Door;
  verdict?: 'NOT_FOUND';
  sender?: Sender;
  draw?: 'evenly' | 'zipf';
};

/**
 * Asks for uniformly drawn keys, for one window after a short warm-up. `polls` only where the
 * stores are idle.
 */
export function askEvenly(
  target: Target,
  stage: Stage,
  pace: Pace,
  options: Draw & { polls: boolean },
): Promise<LoadResult> {
  const plan = planOf(stage, pace, options.draw ?? 'evenly', options);
  const warmUp = { forMs: pace.windowMs / 3 };
  return stage.load.run(job(target, plan, warmUp, { forMs: pace.windowMs }, options.polls));
}

/** Asks for each key once, to fill the caches. */
export function askOnce(target: Target, stage: Stage, pace: Pace, options: Draw = {}): Promise<LoadResult> {
  const plan = planOf(stage, pace, 'once', options);
  const answers = (options.count ?? pace.keys) - connections;
  return stage.load.run(job(target, plan, { answers: connections }, { answers }, false));
}

function planOf(
  stage: Stage,
  pace: Pace,
  draw: 'evenly' | 'once' | 'zipf',
  { keysFile = stage.keysFile, count = pace.keys, door = 'verify', verdict, sender = 'minimal' }: Draw,
): RequestPlan {
  const keys = { masterKey: stage.masterKey, keysFile, count, draw };
  return door === 'verify'
    ? { kind: 'verify', ...keys, ...(verdict && { verdict }) }
    : { kind: 'authorize', ...keys, isBare: door !== 'authorize', sender };
}

function job(target: Target, plan: RequestPlan, warmUp: Until, until: Until, polls: boolean): ClosedLoopJob {
  return { kind: 'closed loop', target, connections, plan, polls, warmUp, until };
}
