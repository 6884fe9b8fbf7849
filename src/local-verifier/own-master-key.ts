import { timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A header takes printable ASCII. Chosen secrets have 32 characters at least. */
const masterKeyPattern = /^[\x21-\x7e]{32,512}$/;

/**
 * The master key of the local verifier: what it shows to the broker, and the only one that it knows
 * when a caller presents one. Compared in constant time: no answer tells how much of a guess was
 * right, only whether its length was. Every other key is unknown here, also one that the broker
 * would take: asking the broker would make this process a way to guess master keys
 * (docs/decisions/0029).
 */
export class OwnMasterKey {
  readonly secret: string;
  readonly #bytes: Buffer;

  constructor(secret: string) {
    this.secret = secret;
    this.#bytes = Buffer.from(secret);
  }

  is(presented: string): boolean {
    const bytes = Buffer.from(presented);
    return bytes.length === this.#bytes.length && timingSafeEqual(bytes, this.#bytes);
  }
}

/** Rejects with a message that names the file and never its contents. */
export async function readOwnMasterKey(file: string): Promise<OwnMasterKey> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`the master key file ${file} could not be read (${cause.code})`);
  });
  const secret = text.trim();
  if (!masterKeyPattern.test(secret)) {
    throw new Error(`the master key file ${file} must have one key, 32 to 512 printable characters`);
  }
  return new OwnMasterKey(secret);
}
