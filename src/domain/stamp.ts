import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Keyring, Pepper } from './key-digest.ts';

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
  readonly #keyring: Keyring;
  readonly #purpose: string;
  /** By pepper. A keyring may be rotated while it is in use (rotate-keyring.ts). */
  readonly #derived = new Map<KeyObject, KeyObject>();

  constructor(keyring: Keyring, purpose: string) {
    this.#keyring = keyring;
    this.#purpose = purpose;
  }

  get #current(): KeyObject {
    return this.#keyOf(this.#keyring[0]);
  }

  #isMade(isBy: (key: KeyObject) => boolean): boolean {
    return this.#keyring.some((pepper) => isBy(this.#keyOf(pepper)));
  }

  #keyOf({ secret }: Pepper): KeyObject {
    const known = this.#derived.get(secret);
    if (known !== undefined) return known;
    const bytes = hkdfSync('sha256', secret, '', `flowplate redis ${this.#purpose}`, 32);
    const derived = createSecretKey(Buffer.from(bytes));
    this.#derived.set(secret, derived);
    return derived;
  }

  stamp(name: string, text: string): string {
    return macOf(this.#current, name, text).toString('base64url') + text;
  }

  /** The same for bytes, whose name may be any bytes too. */
  stampBytes(name: Buffer, bytes: Buffer): Buffer {
    return Buffer.concat([macOfBytes(this.#current, name, bytes), bytes]);
  }

  openBytes(name: Buffer, stamped: Buffer): Buffer | undefined {
    if (stamped.length < macBytes) return undefined;
    const [mac, bytes] = [stamped.subarray(0, macBytes), stamped.subarray(macBytes)];
    return this.#isMade((key) => timingSafeEqual(macOfBytes(key, name, bytes), mac)) ? bytes : undefined;
  }

  /** The text that was stamped under this name, by any of the peppers; undefined for all else. */
  open(name: string, stamped: string): string | undefined {
    if (stamped.length < macChars) return undefined;
    const mac = Buffer.from(stamped.slice(0, macChars), 'base64url');
    if (mac.length !== macBytes) return undefined;
    const text = stamped.slice(macChars);
    return this.#isMade((key) => timingSafeEqual(macOf(key, name, text), mac)) ? text : undefined;
  }
}

/** Names have no line feed: where the name ends and the text begins has one reading. */
function macOf(key: KeyObject, name: string, text: string): Buffer {
  return createHmac('sha256', key).update(`${name}\n${text}`).digest().subarray(0, macBytes);
}

/**
 * The length of the name says where the bytes begin. Its first byte is zero, and no name of a text
 * begins so.
 */
function macOfBytes(key: KeyObject, name: Buffer, bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return createHmac('sha256', key).update(length).update(name).update(bytes).digest().subarray(0, macBytes);
}
