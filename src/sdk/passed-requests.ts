import { identityHeaderList } from '../domain/forward-auth/identity-headers.ts';
import type { Accepted } from '../domain/verdict.ts';

const verdicts = new WeakMap<object, Accepted>();

export function rememberVerdict(request: object, verdict: Accepted): void {
  verdicts.set(request, verdict);
}

/**
 * The verdict of a request that the middleware admitted. Throws otherwise: a route without the
 * middleware is a mistake.
 */
export function verdictOf(request: object): Accepted {
  const verdict = verdicts.get(request);
  if (verdict === undefined) throw new Error('this request did not come through the Flowplate middleware');
  return verdict;
}

/** Identity headers for the upstream, named as in Flowplate's forward auth. */
export function identityHeaders(verdict: Accepted): Record<string, string> {
  const list = identityHeaderList(verdict);
  return Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [])));
}
