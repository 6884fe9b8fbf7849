import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Keyring } from './key-digest.ts';

/** 128 bits, as base64url. */
const macBytes = 16;
const macChars = 22;

/**
 * Message authentication codes (HMAC-SHA-256) for what lies in Redis, under keys derived from the
 * peppers. Without them, write access to Redis would be enough to have a forged text believed.
 * `purpose` keeps a text of one kind from being taken for another; its name is part of the code, so
 * that a genuine text under another name is none.
 */
export class Stamps {
  readonly #keys: readonly KeyObject[];
  readonly #current: KeyObject;

  constructor([current, ...older]: Keyring, purpose: string) {
    const derive = ({ secret }: Keyring[number]) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `flowplate redis ${purpose}`, 32)));
    this.#current = derive(current);
    this.#keys = [this.#current, ...older.map(derive)];
  }

  stamp(name: string, text: string): string {
    return macOf(this.#current, name, text).toString('base64url') + text;
  }

  /** The text that was stamped under this name, by any of the peppers; undefined for all else. */
  open(name: string, stamped: string): string | undefined {
    if (stamped.length < macChars) return undefined;
    const mac = Buffer.from(stamped.slice(0, macChars), 'base64url');
    if (mac.length !== macBytes) return undefined;
    const text = stamped.slice(macChars);
    return this.#keys.some((key) => timingSafeEqual(macOf(key, name, text), mac)) ? text : undefined;
  }
}

/** Names have no line feed: where the name ends and the text begins has one reading. */
function macOf(key: KeyObject, name: string, text: string): Buffer {
  return createHmac('sha256', key).update(`${name}\n${text}`).digest().subarray(0, macBytes);
}
