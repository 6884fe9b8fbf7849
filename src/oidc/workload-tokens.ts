import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { WorkloadClaims, WorkloadIssuers } from '../domain/workload-token.ts';
import { IssuerKeys } from './issuer-keys.ts';

export type WorkloadTokenParts = {
  issuers: WorkloadIssuers;
  nowMs: () => number;
  onFault(error: unknown): void;
};

export type VerifiedToken = WorkloadClaims & {
  /** In ms since 1970. */
  endsAtMs: number;
  /** Of the issuer's keys. */
  generation: number;
};

/** Signatures by a private key only: a public key must never be taken for a shared secret. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const clockToleranceSeconds = 5;
const tokenLengthMax = 4_096;
const tokenPattern = /^[\w-]+\.([\w-]+)\.[\w-]+$/;

/**
 * Verifier of workload tokens: JWTs of Kubernetes, GitHub and others that run programs. Only
 * issuers from the settings count, and their keys come from the address in the settings, whatever a
 * token says about that.
 */
export class WorkloadTokens {
  readonly #parts: WorkloadTokenParts;
  readonly #keys: ReadonlyMap<string, IssuerKeys>;

  constructor(parts: WorkloadTokenParts) {
    this.#parts = parts;
    const { nowMs, onFault } = parts;
    this.#keys = new Map(
      [...parts.issuers].map(([issuer, url]) => [issuer, new IssuerKeys({ url, nowMs, onFault })]),
    );
  }

  /** Whether the text claims to be a token of an issuer that counts; nothing is checked yet. */
  isOurs(text: string): boolean {
    return this.#keys.size > 0 && this.#issuerOf(text) !== undefined;
  }

  /** Whether an earlier success holds. */
  isCurrent({ issuer, endsAtMs, generation }: VerifiedToken): boolean {
    const keys = this.#keys.get(issuer);
    keys?.keepFresh();
    return keys?.generation === generation && this.#parts.nowMs() < endsAtMs;
  }

  /**
   * Checks signature, issuer and times. Undefined for a token that is not good. Throws
   * `DEPENDENCY_UNAVAILABLE` when the keys for it cannot be read.
   */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    const issuer = this.#issuerOf(token);
    const keys = issuer === undefined ? undefined : this.#keys.get(issuer);
    if (issuer === undefined || keys === undefined) return undefined;
    keys.keepFresh();
    let generation = keys.generation;
    const keyOf: JWTVerifyGetKey = async (...asked) => {
      const found = await keys.find(...asked);
      ({ generation } = found);
      return found.key;
    };
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms,
        issuer,
        requiredClaims: ['exp', 'sub', 'aud'],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(this.#parts.nowMs()),
      });
      const { sub: subject = '', aud = [], exp = 0 } = payload;
      const endsAtMs = (exp + clockToleranceSeconds) * 1_000;
      return { issuer, subject, audiences: [aud].flat(), endsAtMs, generation };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  #issuerOf(text: string): string | undefined {
    if (text.length > tokenLengthMax) return undefined;
    const [, payload] = tokenPattern.exec(text) ?? [];
    if (payload === undefined) return undefined;
    const issuer = readIssuer(payload);
    return issuer !== undefined && this.#keys.has(issuer) ? issuer : undefined;
  }
}

function readIssuer(payload: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('iss' in claims)) return undefined;
    return typeof claims.iss === 'string' ? claims.iss : undefined;
  } catch {
    return undefined;
  }
}
