import { setTimeout as sleep } from 'node:timers/promises';
import { attempt } from '../support/attempt.ts';
import type { StartedApi } from '../support/deployment.ts';
import { keyCalls, organization } from '../support/key-calls.ts';

/** Answers of the callers, and the fate of unanswered requests. */
export type Got = { verified: number; minted: string[]; unanswered: string[]; movedOn: number };

export type Clients = { got: Got; stop(): Promise<Got> };

/** So many at once of each kind. */
const clientCount = 4;
const healthCheckMs = 50;

/**
 * Callers with keep-alive connections that begin at one replica. Some stand behind a balancer,
 * which looks at the replica's readiness and sends them to the other one in time; the others stay
 * until nobody answers, and then try the other one.
 */
export function startClients(
  first: StartedApi,
  second: StartedApi,
  key: string,
): { balanced: Clients; stubborn: Clients } {
  const health = { isReady: true, isWatched: true };
  void watchReadiness(first, health);
  const balanced = startSome(key, () => (health.isReady ? first : second));
  const stubborn = startSome(key, (isGone) => (isGone ? second : first));
  return {
    balanced: {
      got: balanced.got,
      stop: () => {
        health.isWatched = false;
        return balanced.stop();
      },
    },
    stubborn,
  };
}

async function watchReadiness(
  api: StartedApi,
  health: { isReady: boolean; isWatched: boolean },
): Promise<void> {
  while (health.isWatched && health.isReady) {
    const outcome = await attempt(() => api.call('GET /health/ready'));
    health.isReady = typeof outcome === 'object' && outcome.status === 200;
    await sleep(healthCheckMs);
  }
}

function startSome(key: string, choose: (isGone: boolean) => StartedApi): Clients {
  const got: Got = { verified: 0, minted: [], unanswered: [], movedOn: 0 };
  let isStopped = false;
  const client = async (name: number) => {
    let isGone = false;
    for (let turn = 0; !isStopped; turn++) {
      const api = choose(isGone);
      const userId = `client-${name}-${turn}-${Math.random().toString(36).slice(2)}`;
      const outcome =
        turn % 10 === 0 ? await mint(api, userId) : await attempt(() => keyCalls(api.call).verify(key));
      if (outcome === 'unreached') {
        isGone = true;
        got.movedOn += 1;
      } else if (outcome === 'unknown') {
        isGone = true;
        got.unanswered.push(turn % 10 === 0 ? userId : 'verify');
      } else if (outcome.status === 201) got.minted.push(outcome.body.key);
      else if (outcome.body.code === 'VALID') got.verified += 1;
      else got.unanswered.push(`${outcome.status}`);
    }
  };
  const all = Promise.all(Array.from({ length: clientCount }, (_, name) => client(name)));
  return {
    got,
    stop: async () => {
      isStopped = true;
      await all;
      return got;
    },
  };
}

function mint(api: StartedApi, userId: string) {
  const body = { user_id: userId, organization_id: organization };
  return attempt(() => api.call('POST /v1/flowplate/api-keys', { body }));
}
