import { randomFillSync } from 'node:crypto';
import type { RandomBytes } from './domain/clock.ts';

/** Random bytes that are drawn at once: one call of OpenSSL for about fifty keys. */
const poolBytes = 8_192;

/**
 * Random bytes from a pool, as `crypto.randomUUID` does it: a call of OpenSSL takes 1–2 µs for any
 * number of bytes. Each byte is given out once.
 */
export function pooledRandomBytes(): RandomBytes {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (size) => {
    if (used + size > pool.length) {
      // Not filled again: parts of the old one may be in use.
      pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(poolBytes, size)));
      used = 0;
    }
    used += size;
    return pool.subarray(used - size, used);
  };
}
