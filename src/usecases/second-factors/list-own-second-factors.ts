import type { PlatformPrincipal } from '../../domain/principal.ts';
import type { SecondFactor, SecondFactorSetting } from '../../domain/second-factor.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { countRecoveryCodes } from '../../stores/postgres/second-factors/recovery-codes.ts';
import { listSecondFactors } from '../../stores/postgres/second-factors/second-factors.ts';

export type OwnSecondFactors = {
  setting: SecondFactorSetting;
  factors: SecondFactor[];
  recoveryCodesLeft: number;
};

/** Second factors of the caller's account, newest first; a platform key has none. */
export async function listOwnSecondFactors(
  { db, secondFactor }: { db: Db; secondFactor: SecondFactorSetting },
  { id }: PlatformPrincipal,
): Promise<OwnSecondFactors> {
  return {
    setting: secondFactor,
    factors: await listSecondFactors(db, id),
    recoveryCodesLeft: await countRecoveryCodes(db, id),
  };
}
