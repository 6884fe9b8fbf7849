import { argon2Sync, timingSafeEqual } from 'node:crypto';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcryptjs';
import { parseArgon2 } from '../domain/imported-hash.ts';

/** The lowest. Linux keeps one for each thread (setpriority(2)); elsewhere nothing changes. */
const niceness = 19;

export type SlowHashQuestion = { algorithm: 'bcrypt' | 'argon2id'; key: string; hash: string };

if (process.platform === 'linux') setPriority(0, niceness);

parentPort?.on('message', ({ algorithm, key, hash }: SlowHashQuestion) => {
  parentPort?.postMessage(algorithm === 'bcrypt' ? bcrypt.compareSync(key, hash) : isArgon2(key, hash));
});

function isArgon2(key: string, hash: string): boolean {
  const parsed = parseArgon2(hash);
  if (parsed === undefined) return false;
  const { tag, ...parameters } = parsed;
  const computed = argon2Sync('argon2id', { ...parameters, message: key, tagLength: tag.length });
  return timingSafeEqual(computed, tag);
}
