/** Meanings of a name besides the places of known headers: of no interest, or for node:http. */
export const unknownName = -1;
export const refusedName = -2;

/**
 * Headers that change how a message is framed, or what becomes of its connection. Node's parser
 * reads `Proxy-Connection` like `Connection`.
 */
const refusedNames = [
  'transfer-encoding',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
];

/** The lane reads these itself. */
const ownNames = ['host', 'content-length', 'connection'] as const;

/** Places are bits of a 32-bit set. */
const namesMax = 30;

type KnownName = { bytes: Buffer; meaning: number };

/** Finds header names in any case, by length first: most names of a request are of no interest. */
export class HeaderNames {
  /** Lower case, by place: the headers that an endpoint named, then the lane's own. */
  readonly names: readonly string[];
  readonly host: number;
  readonly contentLength: number;
  readonly connection: number;
  readonly #byLength: KnownName[][] = [];

  constructor(named: readonly string[]) {
    const all = [...named, ...ownNames];
    if (all.length > namesMax || new Set([...all, ...refusedNames]).size !== all.length + refusedNames.length)
      throw new Error('An endpoint names each header once, and none that the lane reads itself');
    this.names = all;
    [this.host, this.contentLength, this.connection] = [named.length, named.length + 1, named.length + 2];
    for (const [place, name] of all.entries()) this.#add(name, place);
    for (const name of refusedNames) this.#add(name, refusedName);
  }

  #add(name: string, meaning: number): void {
    const names = this.#byLength[name.length] ?? [];
    names.push({ bytes: Buffer.from(name, 'latin1'), meaning });
    this.#byLength[name.length] = names;
  }

  /** The place of a known name, or one of the two above. The bytes must be a token. */
  meaningOf(bytes: Uint8Array, start: number, end: number): number {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return unknownName;
    for (const candidate of candidates) {
      if (isNamed(bytes, start, candidate.bytes)) return candidate.meaning;
    }
    return unknownName;
  }
}

/** `| 0x20` is lower case, and turns no other byte of a token into a letter or a hyphen. */
function isNamed(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at++) {
    if (((bytes[start + at] as number) | 0x20) !== name[at]) return false;
  }
  return true;
}
