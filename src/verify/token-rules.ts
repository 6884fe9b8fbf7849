import { type MaybeLater, mapMaybe } from '../concurrency/maybe-later.ts';
import type { MasterKeyPrincipal } from '../domain/principal.ts';
import { admits } from '../domain/workload-token.ts';
import type { VerifiedToken, WorkloadTokens } from '../oidc/workload-tokens.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import { MasterKeyCache, type MasterKeyCacheParts } from './master-key-cache.ts';
import type { MasterKeyReads } from './master-keys.ts';
import type { TokenRuleList } from './token-rule-list.ts';

export type TokenRuleParts = MasterKeyCacheParts & {
  tokens: Pick<WorkloadTokens, 'isOurs' | 'isCurrent' | 'verify'>;
  rules: Pick<TokenRuleList, 'get'>;
  readMasterKey: MasterKeyReads['readMasterKey'];
  /** The same without a lease, from a server that can still commit. */
  readConfirmedMasterKey: MasterKeyReads['readMasterKey'];
};

/** A signature costs 0.1 ms; a workload sends its token with every request. */
const verifiedMax = 10_000;

/** Authenticator of workload tokens: tells which master key has a rule for one. */
export class TokenRules {
  readonly #parts: TokenRuleParts;
  readonly #cache: MasterKeyCache;
  readonly #verified = new FingerprintTable<VerifiedToken>(verifiedMax);

  constructor(parts: TokenRuleParts) {
    this.#parts = parts;
    this.#cache = new MasterKeyCache(parts);
  }

  /** Whether the text is to be judged here, and not as a secret. */
  isOurs(text: string): boolean {
    return this.#parts.tokens.isOurs(text);
  }

  /**
   * Undefined for a token that is not good, and without a rule, or with two: it would name two
   * callers. Rejects with `DEPENDENCY_UNAVAILABLE`.
   */
  identify(token: string, ip: () => string | undefined): MaybeLater<MasterKeyPrincipal | undefined> {
    return mapMaybe(this.#verify(token), (verified) =>
      verified === undefined
        ? undefined
        : mapMaybe(this.#parts.rules.get(), (rules) => {
            const [rule, ...others] = rules.filter((candidate) => admits(candidate, verified));
            if (rule === undefined || others.length > 0) return undefined;
            return this.#cache.identify(rule.id, ip, () => this.#read(rule.id));
          }),
    );
  }

  #verify(token: string): MaybeLater<VerifiedToken | undefined> {
    const known = this.#verified.get(token);
    return known !== undefined && this.#parts.tokens.isCurrent(known) ? known : this.#verifyNow(token);
  }

  async #verifyNow(token: string): Promise<VerifiedToken | undefined> {
    const verified = await this.#parts.tokens.verify(token);
    if (verified === undefined) this.#verified.delete(token);
    else this.#verified.set(token, verified);
    return verified;
  }

  #read(id: string) {
    const { lease, readMasterKey, readConfirmedMasterKey } = this.#parts;
    return lease.isHeld() ? readMasterKey(id) : readConfirmedMasterKey(id);
  }
}
