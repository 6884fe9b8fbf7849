import { parseSecret } from '../../domain/key-format.ts';
import type { VerifyParts } from '../../verify/verify-key.ts';
import type { HttpExchange } from '../exchange.ts';
import { headerCredentials } from './oauth-client.ts';

export type PresentedKeyParts = { verify: Pick<VerifyParts, 'unknownKeys'> };

/** Each is worth a digest per pepper. No program sends more. */
const presentedMax = 3;

/**
 * Notes user keys in the credential headers of a refused call: one of them may be a canary, whose
 * finder tries it wherever a key fits. A user key is no credential of these calls, so that known
 * and unknown ones take the same time here.
 */
export function notePresentedKeys(
  { verify }: PresentedKeyParts,
  { req, ip, requestId }: Pick<HttpExchange, 'req' | 'ip' | 'requestId'>,
): void {
  const presented = new Set(headerCredentials(req.rawHeaders));
  for (const key of [...presented].slice(0, presentedMax)) {
    if (parseSecret(key)?.kind !== 'user') continue;
    verify.unknownKeys.note(key, ip(), { endpoint: 'credential', masterKeyId: null, requestId });
  }
}
