import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const userPresent = 0x01;
const userVerified = 0x04;
const hasCredential = 0x40;

type Ceremony = { challenge: string; origin: string };

/** An authenticator in software (WebAuthn §6): one ES256 passkey for one host. */
export class SoftwarePasskey {
  readonly credentialId = randomBytes(16).toString('base64url');
  signCount = 0;
  /** False: it has asked for neither PIN nor fingerprint. */
  verifiesUser = true;
  readonly #rpId: string;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(rpId: string) {
    this.#rpId = rpId;
  }

  /** Body of the request that adds it, for a challenge of the server. */
  attest({ challenge, origin }: Ceremony) {
    const id = Buffer.from(this.credentialId, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const credential = Buffer.concat([Buffer.alloc(16), length, id, this.#coseKey()]);
    const data = Buffer.concat([this.#authenticatorData(hasCredential), credential]);
    return {
      credential_id: this.credentialId,
      client_data: clientData('webauthn.create', { challenge, origin }),
      attestation: attestationObject(data).toString('base64url'),
    };
  }

  /** Proof of the second factor, for a challenge of the server. */
  sign({ challenge, origin }: Ceremony) {
    this.signCount += 1;
    const data = this.#authenticatorData(0);
    const client = clientData('webauthn.get', { challenge, origin });
    const signed = Buffer.concat([data, sha256(Buffer.from(client, 'base64url'))]);
    return {
      kind: 'passkey',
      credential_id: this.credentialId,
      client_data: client,
      authenticator_data: data.toString('base64url'),
      signature: sign('sha256', signed, this.#keys.privateKey).toString('base64url'),
    };
  }

  #authenticatorData(more: number): Buffer {
    const flags = userPresent | (this.verifiesUser ? userVerified : 0) | more;
    const tail = Buffer.alloc(5);
    tail.writeUInt8(flags, 0);
    tail.writeUInt32BE(this.signCount, 1);
    return Buffer.concat([sha256(Buffer.from(this.#rpId)), tail]);
  }

  /** CBOR map of an EC2 key: kty 2, alg -7, crv 1, x, y (RFC 9053 §7.1). */
  #coseKey(): Buffer {
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' });
    const head = Buffer.from('a50102032620012158', 'hex');
    const coordinate = (text: string) => Buffer.concat([Buffer.from([32]), Buffer.from(text, 'base64url')]);
    return Buffer.concat([head, coordinate(x), Buffer.from('2258', 'hex'), coordinate(y)]);
  }
}

/** CBOR: {fmt: "none", attStmt: {}, authData: bytes}. */
function attestationObject(data: Buffer): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
  const length = Buffer.from([0x59, data.length >> 8, data.length & 0xff]);
  const none = [text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0])];
  return Buffer.concat([Buffer.from([0xa3]), ...none, text('authData'), length, data]);
}

function clientData(type: string, { challenge, origin }: Ceremony): string {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false })).toString('base64url');
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
