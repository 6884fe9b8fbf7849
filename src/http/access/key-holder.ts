import { placeOf } from '../../domain/ip-address.ts';
import { anybody as nobodyInParticular, type Principal } from '../../domain/principal.ts';
import type { RequestLimits } from '../request-limits.ts';
import type { Access } from './access.ts';

export type KeyHolderParts = { revocationLimits: RequestLimits };

/**
 * Access rule of an operation whose only credential is the key that it is about, in its body. Every
 * request counts for its address, whatever it brings: a limit for unknown keys alone would tell
 * which ones are known. Throws `RATE_LIMITED` before the body is read.
 */
export function keyHolder(): Access<KeyHolderParts, Principal> {
  return {
    schemes: [],
    needs: 'Open to anybody who holds the key.',
    errors: ['RATE_LIMITED'],
    areRefusalsAudited: false,
    admit({ revocationLimits }, { ip }) {
      const address = ip();
      revocationLimits.take({ kind: 'anybody', id: address === undefined ? 'socket' : placeOf(address) });
      return nobodyInParticular;
    },
  };
}
