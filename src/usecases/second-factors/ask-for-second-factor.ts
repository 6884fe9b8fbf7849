import { FlowplateError } from '../../domain/errors.ts';
import type { ChallengePurpose, EnrolledKind } from '../../domain/second-factor.ts';
import { countRecoveryCodes } from '../../stores/postgres/second-factors/recovery-codes.ts';
import { askForPasskey, type ChallengeParts } from './passkey-request.ts';

/**
 * The refusal that asks for a second factor: what the account has, and for a page of ours a
 * challenge for its passkeys. Only for who has proved the password, or has a session.
 */
export async function askForSecondFactor(
  parts: ChallengeParts,
  asked: {
    userId: string;
    kinds: readonly EnrolledKind[];
    purpose: Exclude<ChallengePurpose, 'enroll'>;
    page: URL | undefined;
  },
): Promise<FlowplateError> {
  const passkey = await askForPasskey(parts, asked.userId, asked.purpose, asked.page);
  const codesLeft = await countRecoveryCodes(parts.db, asked.userId);
  return new FlowplateError('SECOND_FACTOR_REQUIRED', {
    details: {
      methods: [...asked.kinds, ...(codesLeft > 0 ? ['recovery_code'] : [])],
      ...(passkey !== undefined && {
        passkey: {
          challenge: passkey.challenge,
          rp_id: passkey.rpId,
          credential_ids: passkey.credentialIds,
        },
      }),
    },
  });
}
