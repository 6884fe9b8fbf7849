import type { CallOptions, SecretOptions } from '../client.ts';
import type { Done, Enrolled, NewTotp, OwnSecondFactors, RecoveryCodes } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const authPath = '/api/v1/platform/auth';

/**
 * One's own second factors. Changes need a session of the last ten minutes, or a confirmed one
 * (`STEP_UP_REQUIRED`). Passkeys are set up in the portal: they need a browser.
 */
export class SecondFactors {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(options?: CallOptions): Promise<OwnSecondFactors> {
    return this.#requests.read(`${authPath}/second-factors`, {}, options);
  }

  /** A secret for an authenticator app. It counts once `activateTotp` has a code of it. */
  startTotp(options: SecretOptions = {}): Promise<NewTotp> {
    return this.#requests.forSecret(`${authPath}/totp`, {}, options);
  }

  /** With the account's first factor come recovery codes, and the other sessions end. */
  activateTotp(body: { code: string }, options: SecretOptions = {}): Promise<Enrolled> {
    return this.#requests.forSecret(`${authPath}/totp/activate`, body, options);
  }

  remove(id: string, options?: CallOptions): Promise<Done> {
    const path = `${authPath}/second-factors/${encodeURIComponent(id)}`;
    return this.#requests.change({ method: 'DELETE', path }, options);
  }

  /** The earlier codes are void. */
  renewRecoveryCodes(options: SecretOptions = {}): Promise<RecoveryCodes> {
    return this.#requests.forSecret(`${authPath}/recovery-codes`, {}, options);
  }
}
