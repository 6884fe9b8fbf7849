/**
 * A sign-in that the identity provider did not complete. `unavailable`: it does not answer, or not
 * as it should. `denied`: it says no, because the person cancelled or may not use this service.
 * `untrusted`: its answer fails a check, such as a signature, the issuer, the nonce or a time.
 */
export class ProviderFault extends Error {
  readonly kind: 'unavailable' | 'denied' | 'untrusted';

  constructor(kind: ProviderFault['kind'], cause: unknown) {
    super(`The identity provider: ${kind}`, { cause });
    this.name = 'ProviderFault';
    this.kind = kind;
  }

  /** The provider's own code, such as `invalid_client`; undefined for anything but a plain word. */
  get code(): string | undefined {
    const { error } = this.cause as { error?: unknown };
    return typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : undefined;
  }
}

/** Codes of openid-client and oauth4webapi for an answer that never came, or is not OAuth's. */
const unavailableCodes: readonly unknown[] = [
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
];

/** Errors of RFC 6749 §4.1.2.1 and §5.2 by which a provider says that it is out of order. */
const outOfOrder: readonly unknown[] = ['server_error', 'temporarily_unavailable', 'invalid_client'];

export function toProviderFault(error: unknown): ProviderFault {
  if (error instanceof ProviderFault) return error;
  const { name, code, error: told } = error as { name?: string; code?: unknown; error?: unknown };
  // `fetch` fails with a TypeError: refused, reset, no such host, an untrusted certificate.
  const isAway = name === 'TypeError' || unavailableCodes.includes(code) || outOfOrder.includes(told);
  if (isAway) return new ProviderFault('unavailable', error);
  return new ProviderFault(name === 'AuthorizationResponseError' ? 'denied' : 'untrusted', error);
}
