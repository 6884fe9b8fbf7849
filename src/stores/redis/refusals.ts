import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { type KeyRefusal, refusalLifeMs, refusalsOfKeyMax } from '../../domain/key-refusal.ts';
import type { Stamps } from '../../domain/stamp.ts';
import { keyspace } from './keyspace.ts';

/** The last refusals of keys in Redis, and what makes them believed there. */
export type StampedRefusals = { redis: Redis; refusalStamps: Stamps };

/** Of all keys together: 58 MB with one for each key, 70 MB with the longest request ids. */
const refusalsMax = 100_000;
/** Three times what the lines of one key can have. */
const keyBytesMax = 20_000;
/** A batch has at most 100 keys under one request id. */
const keysOfRequestMax = 100;
/** Bounds how long one command keeps Redis from everybody else's: about a millisecond. */
const refusalsTogether = 25;

const script = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
const pushScript = script('push-refusals');
const readScript = script('read-refusals');

/**
 * Adds refusals, the oldest first, to the last ones of their keys. Kept are the newest 20 of each
 * key, and 100,000 in all. May be called twice with the same ones.
 */
export async function pushRefusals(
  { redis, refusalStamps }: StampedRefusals,
  refusals: readonly KeyRefusal[],
  nowMs: number,
): Promise<void> {
  const bounds = [Math.floor(nowMs), refusalLifeMs, refusalsOfKeyMax, refusalsMax, keyBytesMax];
  for (let start = 0; start < refusals.length; start += refusalsTogether) {
    const some = refusals.slice(start, start + refusalsTogether);
    const lines = some.flatMap((refusal) => [refusal.keyId, packLine(refusalStamps, refusal)]);
    const { refusals: hash, refusedKeys, refusedRequests } = keyspace;
    await redis.eval(pushScript, 3, hash, refusedKeys, refusedRequests, ...bounds, ...lines);
  }
}

/** The last refusals of one key, the newest first. */
export function readRefusalsOfKey(
  parts: StampedRefusals,
  keyId: string,
  nowMs: number,
): Promise<KeyRefusal[]> {
  return read(parts, { keyId }, nowMs);
}

/** Those with this request id, of whatever keys, the newest first. */
export async function readRefusalsOfRequest(
  parts: StampedRefusals,
  requestId: string,
  nowMs: number,
): Promise<KeyRefusal[]> {
  const found = await read(parts, { requestId }, nowMs);
  return found.filter((refusal) => refusal.requestId === requestId);
}

async function read(
  { redis, refusalStamps }: StampedRefusals,
  { keyId = '', requestId = '' }: { keyId?: string; requestId?: string },
  nowMs: number,
): Promise<KeyRefusal[]> {
  const { refusals, refusedRequests } = keyspace;
  const asked = [keyBytesMax, keyId, requestId, keysOfRequestMax];
  const answer = (await redis.eval(readScript, 2, refusals, refusedRequests, ...asked)) as string[];
  const found: KeyRefusal[] = [];
  for (let at = 0; at < answer.length; at += 2) {
    const [id = '', lines = ''] = answer.slice(at, at + 2);
    found.push(...lines.split('\n').flatMap((line) => openLine(refusalStamps, id, line) ?? []));
  }
  return found
    .filter(({ atMs }) => atMs > nowMs - refusalLifeMs)
    .sort((one, other) => other.atMs - one.atMs || other.serial - one.serial);
}

type Packed = [
  serial: number,
  atMs: number,
  code: KeyRefusal['code'],
  endpoint: KeyRefusal['endpoint'],
  masterKeyId: string,
  ip: string | 0,
];

function packLine(stamps: Stamps, refusal: KeyRefusal): string {
  const { keyId, requestId, serial, atMs, code, endpoint, masterKeyId, ip } = refusal;
  const packed: Packed = [serial, atMs, code, endpoint, masterKeyId, ip ?? 0];
  return `${requestId} ${stamps.stamp(nameOf(keyId, requestId), JSON.stringify(packed))}`;
}

/** Undefined for what no process of ours wrote for this key and request. */
function openLine(stamps: Stamps, keyId: string, line: string): KeyRefusal | undefined {
  const [requestId = '', stamped = ''] = line.split(' ');
  const text = stamps.open(nameOf(keyId, requestId), stamped);
  if (text === undefined) return undefined;
  const [serial, atMs, code, endpoint, masterKeyId, ip] = JSON.parse(text) as Packed;
  return { keyId, serial, atMs, code, endpoint, requestId, masterKeyId, ip: ip || null };
}

function nameOf(keyId: string, requestId: string): string {
  return `${keyId} ${requestId}`;
}
