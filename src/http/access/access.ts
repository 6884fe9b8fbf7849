import type { MaybeLater } from '../../concurrency/maybe-later.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Principal } from '../../domain/principal.ts';
import type { HttpExchange } from '../exchange.ts';
import type { SecurityScheme } from '../security-schemes.ts';

/**
 * Who may call an operation, in one value: how the caller is recognised, what must be held, and
 * what the document says about it. `Parts` is what recognising needs; `P` is what the operation
 * gets to know of its caller.
 */
export type Access<Parts, P extends Principal> = {
  /** One of these is needed; none for an operation that is open to anybody. */
  schemes: readonly SecurityScheme[];
  /** For the document: what the caller must hold. */
  needs: string;
  errors: readonly ErrorCode[];
  /**
   * Whether refusals are written into the audit log; not on the path of every request, which never
   * writes to Postgres.
   */
  areRefusalsAudited: boolean;
  /**
   * The caller, or `AUTHENTICATION_REQUIRED`, or `INSUFFICIENT_PERMISSIONS`. Tells `onKnown` as
   * soon as it is known who it is, for the log and for the audit of what is refused from then on.
   */
  admit(parts: Parts, exchange: HttpExchange, onKnown: (principal: Principal) => void): MaybeLater<P>;
};
