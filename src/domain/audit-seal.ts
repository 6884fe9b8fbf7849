import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Keyring, Pepper } from './key-digest.ts';

/**
 * Hash chain over the audit log. Each seal has a number and a hash over the previous hash, the
 * number and the event. The last hash of each round, a head, is signed under a key derived from the
 * pepper. A thief of the database alone can compute another chain but cannot sign it.
 */
export type Seal = { seq: number; eventId: string; hash: Buffer };

export type Head = { seq: number; hash: Buffer; pepperId: string; signature: Buffer; sealedAt: Date };

/**
 * All columns of an event as text, independent of the client; `details` as Postgres spells them.
 */
export type SealableEvent = {
  id: string;
  event_type: string;
  actor_kind: string;
  actor_id: string;
  organization_id: string | null;
  target_id: string;
  request_id: string | null;
  on_behalf_of: string | null;
  result: string;
  details: string;
  created_at_ms: string;
};

/** Kinds of faults, each at its first occurrence; docs/operations.md explains them. */
export const auditFaultKinds = [
  'changed',
  'event_missing',
  'seal_missing',
  'head_invalid',
  'head_unknown_pepper',
  'unsigned',
  'truncated',
  'anchor_mismatch',
  'stray',
] as const;

/** Predecessor of the first seal. */
export const chainStart = { seq: 0, hash: Buffer.alloc(32) };

export function sealHash(previous: Buffer, seq: number, event: SealableEvent): Buffer {
  const everything = [
    'flowplate audit 1',
    seq,
    event.id,
    event.event_type,
    event.actor_kind,
    event.actor_id,
    event.organization_id,
    event.target_id,
    event.request_id,
    event.on_behalf_of,
    event.result,
    event.details,
    event.created_at_ms,
  ];
  return createHash('sha256').update(previous).update(JSON.stringify(everything)).digest();
}

export function signHead(pepper: Pepper, head: Pick<Head, 'seq' | 'hash' | 'sealedAt'>): Head {
  return { ...head, pepperId: pepper.id, signature: signature(pepper, head) };
}

/** `unknown`: signed under a pepper that is no longer configured. */
export function judgeHead(keyring: Keyring, head: Head): 'genuine' | 'forged' | 'unknown' {
  const pepper = keyring.find(({ id }) => id === head.pepperId);
  if (pepper === undefined) return 'unknown';
  const expected = signature(pepper, head);
  const isGenuine = head.signature.length === expected.length && timingSafeEqual(head.signature, expected);
  return isGenuine ? 'genuine' : 'forged';
}

function signature(pepper: Pepper, { seq, hash, sealedAt }: Pick<Head, 'seq' | 'hash' | 'sealedAt'>): Buffer {
  const key = Buffer.from(hkdfSync('sha256', pepper.secret, '', 'flowplate audit head', 32));
  return createHmac('sha256', key)
    .update(`${seq}\n${hash.toString('hex')}\n${sealedAt.getTime()}`)
    .digest();
}
