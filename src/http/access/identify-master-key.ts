import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { MasterKeys } from '../../verify/master-keys.ts';
import type { TokenRules } from '../../verify/token-rules.ts';

export type MasterKeyAccessParts = {
  masterKeys: Pick<MasterKeys, 'identify'>;
  /** Workload tokens, which may stand where a secret does. */
  workloadTokens: Pick<TokenRules, 'isOurs' | 'identify'>;
  /**
   * The master key whose credential is the client certificate of this connection. Undefined without
   * one that counts, and without a rule for it.
   */
  identifyCertificate(
    connection: object,
    ip: () => string | undefined,
  ): MaybeLater<MasterKeyPrincipal | undefined>;
};

/** A caller, before it is known. `secret`, or a token in its place; undefined for none. */
export type PresentedCredentials = {
  secret: string | undefined;
  connection: object;
  ip: () => string | undefined;
};

/** Two credentials of two callers. */
export const ambiguous = Symbol('ambiguous');

/**
 * The caller by secret, by workload token or by client certificate. A wrong secret is refused also
 * beside a good certificate. `ambiguous` when both are somebody's: they name different master keys.
 */
export function identifyMasterKey(
  parts: MasterKeyAccessParts,
  { secret, connection, ip }: PresentedCredentials,
): MaybeLater<MasterKeyPrincipal | typeof ambiguous | undefined> {
  if (secret === undefined) return parts.identifyCertificate(connection, ip);
  const { masterKeys, workloadTokens } = parts;
  const judge = workloadTokens.isOurs(secret) ? workloadTokens : masterKeys;
  return mapMaybe(judge.identify(secret, ip), (bySecret) => {
    if (bySecret === undefined) return undefined;
    return mapMaybe(parts.identifyCertificate(connection, ip), (byCertificate) =>
      byCertificate === undefined ? bySecret : ambiguous,
    );
  });
}
