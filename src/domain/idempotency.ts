import { createHash } from 'node:crypto';
import { type Keyring, keyed } from './key-digest.ts';
import { seal, unseal } from './seal.ts';

/**
 * A repeated request is recognised by `ids` (one for each live pepper, the current one first) and
 * must carry the same body. Its answer holds a secret in plain text, so it is sealed under a key
 * that is derived from what the caller brings along: the row alone opens nothing, and neither does
 * the row with the peppers.
 */
export type Idempotency = {
  ids: readonly Buffer[];
  bodyHash: Buffer;
  seal(answer: string): Buffer;
  /** `id` tells which pepper was current when the answer was sealed. */
  open(id: Buffer, sealed: Buffer): string;
};

export const idempotencyLifeMs = 24 * 3_600_000;
export const idempotencyKeyLengthMax = 255;

const purpose = 'idempotency';

/**
 * `scope` says whose request it is and to which path; the same `key` from another caller is another
 * request.
 */
export function newIdempotency(
  keyring: Keyring,
  request: { scope: string; key: string; body: unknown },
): Idempotency {
  const ids = keyring.map((pepper) => keyed(pepper, `id\n${request.scope}\n${request.key}`));
  return {
    ids,
    bodyHash: createHash('sha256').update(canonicalJson(request.body)).digest(),
    seal: (answer) => seal(keyed(keyring[0], `seal\n${request.scope}\n${request.key}`), purpose, answer),
    open: (id, sealed) => {
      const pepper = keyring[ids.findIndex((candidate) => candidate.equals(id))] ?? keyring[0];
      return unseal(keyed(pepper, `seal\n${request.scope}\n${request.key}`), purpose, sealed);
    },
  };
}

/** Equal bodies have equal text, whatever the order in which their fields were sent. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
