import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Keyring, Pepper } from './key-digest.ts';

/**
 * The audit log is a chain: each sealed event has a number and a hash over the hash before it, that
 * number and everything the event says. The hash at the end of each round of sealing, a head, is
 * signed under a key that is derived from the pepper, so that whoever has only the database can
 * compute a chain of their own but cannot sign it.
 */
export type Seal = { seq: number; eventId: string; hash: Buffer };

export type Head = { seq: number; hash: Buffer; pepperId: string; signature: Buffer; sealedAt: Date };

/**
 * Every column of an event, as text that does not depend on how a client reads it; details as
 * Postgres spells them.
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

/** What the first event is chained to. */
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

/** `unknown` when it was signed under a pepper that is no longer configured. */
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
