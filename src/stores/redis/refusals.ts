import { readFileSync } from 'node:fs';
import { type KeyRefusal, refusalLifeMs, refusalsOfKeyMax } from '../../domain/key-refusal.ts';
import type { Stamps } from '../../domain/stamp.ts';
import type { RedisClient } from './client.ts';
import { keyspace } from './keyspace.ts';

/** The last refusals of keys in Redis, and what makes them believed there. */
export type StampedRefusals = { redis: RedisClient; refusalStamps: Stamps };

/**
 * Of all keys together, a refusal of a traced request twice: 58 MB with one for each key, 70 MB
 * with the longest request ids.
 */
const idsOfRefusalsMax = 100_000;
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
  const bounds = [Math.floor(nowMs), refusalLifeMs, refusalsOfKeyMax, idsOfRefusalsMax, keyBytesMax];
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

/** Those whose request bore this id, or was of this trace, of whatever keys, the newest first. */
export async function readRefusalsOfRequest(
  parts: StampedRefusals,
  id: string,
  nowMs: number,
): Promise<KeyRefusal[]> {
  const found = await read(parts, { id }, nowMs);
  return found.filter(({ requestId, traceId }) => requestId === id || traceId === id);
}

async function read(
  { redis, refusalStamps }: StampedRefusals,
  { keyId = '', id = '' }: { keyId?: string; id?: string },
  nowMs: number,
): Promise<KeyRefusal[]> {
  const { refusals, refusedRequests } = keyspace;
  const asked = [keyBytesMax, keyId, id, keysOfRequestMax];
  const answer = (await redis.eval(readScript, 2, refusals, refusedRequests, ...asked)) as string[];
  const found: KeyRefusal[] = [];
  for (let at = 0; at < answer.length; at += 2) {
    const [key = '', lines = ''] = answer.slice(at, at + 2);
    found.push(...lines.split('\n').flatMap((line) => openLine(refusalStamps, key, line) ?? []));
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
  const { keyId, serial, atMs, code, endpoint, masterKeyId, ip } = refusal;
  const ids = idsOf(refusal);
  const packed: Packed = [serial, atMs, code, endpoint, masterKeyId, ip ?? 0];
  return `${ids} ${stamps.stamp(nameOf(keyId, ids), JSON.stringify(packed))}`;
}

/** Undefined for what no process of ours wrote for this key and request. */
function openLine(stamps: Stamps, keyId: string, line: string): KeyRefusal | undefined {
  const [ids = '', stamped = ''] = line.split(' ');
  const text = stamps.open(nameOf(keyId, ids), stamped);
  if (text === undefined) return undefined;
  const [serial, atMs, code, endpoint, masterKeyId, ip] = JSON.parse(text) as Packed;
  const [requestId = '', traceId = null] = ids.split(',');
  return { keyId, serial, atMs, code, endpoint, requestId, traceId, masterKeyId, ip: ip || null };
}

/** A request id has no comma. */
function idsOf({ requestId, traceId }: KeyRefusal): string {
  return traceId === null ? requestId : `${requestId},${traceId}`;
}

function nameOf(keyId: string, ids: string): string {
  return `${keyId} ${ids}`;
}
