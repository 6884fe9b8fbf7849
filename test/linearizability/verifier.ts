import { doorPath } from '../http/verify/door.ts';
import { exchange } from '../local-verifier/exchange.ts';
import { attempt } from '../support/attempt.ts';
import { caller } from '../support/call.ts';
import type { StartedApi } from '../support/deployment.ts';
import { keysPath } from '../support/keys.ts';
import type { ActionOf } from './action.ts';

type Outcome = ActionOf<'verify'>['outcome'];

/** `undecided`: neither yes nor no, such as 503 or no answer. */
export type Verdict = Outcome | 'undecided';

/** A process that decides about keys by itself. */
export type Verifier = {
  name: string;
  verify(key: string): Promise<Verdict>;
};

/** An API process, through the doors that gateways knock at. */
export function apiVerifiers(name: string, api: Pick<StartedApi, 'call'>): Verifier[] {
  return [
    { name: `${name}, JSON`, verify: (key) => verifyByJson(api, key) },
    { name: `${name}, forward auth`, verify: (key) => verifyByForwardAuth(api, key) },
  ];
}

/**
 * A verifier that is embedded in the process at `url`, which answers with the code of its verdict.
 */
export function embeddedVerifier(name: string, url: string): Verifier {
  const ask = caller(url, '');
  return {
    name,
    async verify(key) {
      const answer = await attempt(() => ask('POST /', { body: key, as: null }));
      return typeof answer === 'string' ? 'undecided' : outcomeOf(JSON.parse(answer.body).code);
    },
  };
}

/** A local verifier, asked on its socket as a gateway asks it. */
export function localVerifiers(name: string, socketPath: string): Verifier[] {
  const target = { socketPath };
  return [
    {
      name: `${name}, forward auth`,
      async verify(key) {
        const headers = [['x-api-key', key]] as const;
        const answer = await attempt(() => exchange(target, { path: doorPath, headers }));
        return typeof answer === 'string' ? 'undecided' : (outcomes[answer.status] ?? 'undecided');
      },
    },
    {
      name: `${name}, JSON`,
      async verify(key) {
        const headers = [['Content-Type', 'application/json']] as const;
        const asked = { method: 'POST', path: `${keysPath}/verify`, headers, body: JSON.stringify({ key }) };
        const answer = await attempt(() => exchange(target, asked));
        if (typeof answer === 'string' || answer.status !== 200) return 'undecided';
        return outcomeOf(JSON.parse(answer.body).code);
      },
    },
  ];
}

function outcomeOf(code: string): Verdict {
  if (code === 'VALID') return 'accepted';
  if (code === 'ORGANIZATION_SUSPENDED') return 'suspended';
  return ['REVOKED', 'DISABLED', 'QUARANTINED', 'NOT_FOUND'].includes(code) ? 'refused' : 'undecided';
}

async function verifyByJson({ call }: Pick<StartedApi, 'call'>, key: string) {
  const answer = await attempt(() => call(`POST ${keysPath}/verify`, { body: { key } }));
  if (typeof answer === 'string' || answer.status !== 200) return 'undecided';
  return outcomeOf(answer.body.code);
}

async function verifyByForwardAuth({ call }: Pick<StartedApi, 'call'>, key: string) {
  const answer = await attempt(() => call(`GET ${doorPath}`, { headers: { 'x-api-key': key } }));
  return typeof answer === 'string' ? 'undecided' : (outcomes[answer.status] ?? 'undecided');
}

const outcomes: Record<number, Outcome> = {
  200: 'accepted',
  401: 'refused',
  403: 'suspended',
};
