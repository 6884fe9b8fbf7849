import { createHash, hash } from 'node:crypto';
import { hmac, type Keyring } from './key-digest.ts';
import { openerOf, seal, sealerOf, unseal } from './seal.ts';

/**
 * A repeatable request. It is recognised by `ids`, one for each live pepper, and must carry the
 * same body. Its stored answer holds a secret, so it is sealed under a key derived from the
 * caller's own headers. Neither the row nor the row with the peppers opens it.
 */
export type Idempotency = {
  ids: readonly Buffer[];
  bodyHash: Buffer;
  seal(answer: string): Buffer;
  /** `id` tells under which pepper the answer was sealed. */
  open(id: Buffer, sealed: Buffer): string;
  earlier: EarlierAnswers;
};

/** First lines without an earlier answer, after which a body counts as a new one. */
const missesOfNewBody = 128;

/**
 * Whether the lines of a body are worth a look for earlier answers. A body is repeated as a whole
 * and its lines are answered about in order, so that most bodies show with their first lines
 * whether they are new. Wrong guesses cost time only: a second answer under an id is refused when
 * it is inserted, and its line looked up then.
 */
export class EarlierAnswers {
  #misses = 0;
  #wasFound = false;

  isWorthALook(): boolean {
    return this.#wasFound || this.#misses < missesOfNewBody;
  }

  note(isFound: boolean): void {
    if (isFound) this.#wasFound = true;
    else this.#misses += 1;
  }
}

export const idempotencyLifeMs = 24 * 3_600_000;
export const idempotencyKeyLengthMax = 255;

const purpose = 'idempotency';

/** `scope` names the caller and the path. The same `key` of another caller is another request. */
export function newIdempotency(
  keyring: Keyring,
  request: { scope: string; key: string; body: unknown },
): Idempotency {
  const ids = keyring.map((pepper) => hmac(pepper, `id\n${request.scope}\n${request.key}`));
  return {
    ids,
    bodyHash: createHash('sha256').update(canonicalJson(request.body)).digest(),
    seal: (answer) => seal(hmac(keyring[0], `seal\n${request.scope}\n${request.key}`), purpose, answer),
    open: (id, sealed) => {
      const pepper = keyring[ids.findIndex((candidate) => candidate.equals(id))] ?? keyring[0];
      return unseal(hmac(pepper, `seal\n${request.scope}\n${request.key}`), purpose, sealed);
    },
    earlier: new EarlierAnswers(),
  };
}

/**
 * The same for the lines of one body: its `key` covers each line by its number. The key under which
 * their answers are sealed is derived once. `keyring` may change meanwhile, so it is copied.
 */
export function newLineIdempotency(
  keyring: Keyring,
  { scope, key }: { scope: string; key: string },
): (body: unknown, lineNumber: number) => Idempotency {
  const peppers: Keyring = [...keyring];
  const secretOf = (pepper: Keyring[0]) => hmac(pepper, `seal\n${scope}\n${key}`);
  const sealLine = sealerOf(secretOf(peppers[0]), purpose);
  const openers = peppers.map((pepper) => openerOf(secretOf(pepper), purpose));
  const earlier = new EarlierAnswers();
  return (body, lineNumber) => {
    const ids = peppers.map((pepper) => hmac(pepper, `id\n${scope}\n${key}\n${lineNumber}`));
    const [name = Buffer.alloc(0)] = ids;
    return {
      ids,
      bodyHash: hash('sha256', canonicalJson(body), 'buffer'),
      seal: (answer) => sealLine(answer, name),
      open: (id, sealed) => {
        const open = openers[ids.findIndex((candidate) => candidate.equals(id))];
        if (open === undefined) throw new Error('The id belongs to another line');
        return open(sealed, id);
      },
      earlier,
    };
  };
}

/** JSON with sorted names, so that equal bodies have equal text in any order of fields. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
