import type { MaybeLater } from '../concurrency/maybe-later.ts';
import type { MasterKeyPrincipal } from '../domain/principal.ts';
import type { Lease } from '../revocation/lease.ts';
import type { FindCertificateRule } from '../stores/postgres/master-keys/look-ups.ts';
import type { AbsentRules } from './absent-rules.ts';
import { MasterKeyCache, type MasterKeyCacheParts } from './master-key-cache.ts';

export type CertificateRuleParts = MasterKeyCacheParts & {
  lease: Pick<Lease, 'isHeld'>;
  absent: AbsentRules;
  /** Under a lease. */
  findRule: FindCertificateRule;
  /** Without a lease, from a server that can still commit. */
  findConfirmedRule: FindCertificateRule;
};

/**
 * Authenticator of client certificates: tells which master key has one for its credential. The
 * cache is not that of secrets, so that no text in a header can stand for a certificate.
 */
export class CertificateRules {
  readonly #parts: CertificateRuleParts;
  readonly #cache: MasterKeyCache;

  constructor(parts: CertificateRuleParts) {
    this.#parts = parts;
    this.#cache = new MasterKeyCache(parts);
  }

  /** `identity`: whom a verified certificate names. Rejects like `MasterKeys.identify`. */
  identify(identity: string, ip: () => string | undefined): MaybeLater<MasterKeyPrincipal | undefined> {
    const { lease, absent } = this.#parts;
    if (lease.isHeld() && absent.has(identity)) return undefined;
    return this.#cache.identify(identity, ip, () => this.#read(identity));
  }

  async #read(identity: string) {
    const { lease, absent, findRule, findConfirmedRule } = this.#parts;
    if (!lease.isHeld()) return findConfirmedRule(identity);
    const { heard } = absent;
    const rule = await findRule(identity);
    if (rule === undefined) absent.add(identity, heard);
    return rule;
  }
}
