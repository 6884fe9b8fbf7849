import type { MaybeLater } from '../../concurrency/maybe-later.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Principal } from '../../domain/principal.ts';
import type { HttpExchange } from '../exchange.ts';
import type { SecurityScheme } from '../security-schemes.ts';

/**
 * Access rule of an operation: authentication, authorization, and their description in the API
 * document. `Parts`: its dependencies. `P`: the principal that the operation gets.
 */
export type Access<Parts, P extends Principal> = {
  /** Accepted schemes, one is enough; none for a public operation. */
  schemes: readonly SecurityScheme[];
  /** Text for the API document: the required rights. */
  needs: string;
  errors: readonly ErrorCode[];
  /** Whether refusals are audited. Not on the hot path, which never writes to Postgres. */
  areRefusalsAudited: boolean;
  /** Set for calls of gateways and verifiers: they are no management, and have no rate limit. */
  isForGateways?: boolean;
  /**
   * Returns the caller. Throws `AUTHENTICATION_REQUIRED` or `INSUFFICIENT_PERMISSIONS`. Calls
   * `onKnown` as soon as the caller is known, for the log and the audit of later refusals.
   */
  admit(parts: Parts, exchange: HttpExchange, onKnown: (principal: Principal) => void): MaybeLater<P>;
};
