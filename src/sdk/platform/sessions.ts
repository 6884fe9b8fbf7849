import type { CallOptions } from '../client.ts';
import type {
  Confirmation,
  Credentials,
  DeviceLogin,
  Done,
  EndedSessions,
  Login,
  Me,
  OwnSession,
  Page,
  PageOf,
  PlatformUser,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const authPath = '/api/v1/platform/auth';

/** Log in (by password or browser) and out, who am I, one's own sessions, change password. */
export class Session {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Creates the first platform user. Needs a tenant key, and works only while there is none
   * (`ALREADY_BOOTSTRAPPED`).
   */
  bootstrap(
    body: { email: string; password: string; name: string },
    options?: CallOptions,
  ): Promise<PlatformUser> {
    return this.#requests.change({ method: 'POST', path: '/api/v1/platform/bootstrap', body }, options);
  }

  /**
   * `INVALID_CREDENTIALS` (401) for an unknown address and a wrong password alike;
   * `SECOND_FACTOR_REQUIRED` (401) when the account has one: `details.methods` says what counts,
   * and the same call with `second_factor` logs in; `SECOND_FACTOR_INVALID` (401);
   * `TOO_MANY_ATTEMPTS` (429) with `retryAfterSeconds`.
   */
  login(body: Credentials, options?: CallOptions): Promise<Login> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/login`, body }, options);
  }

  /**
   * Asks for a log-in that a person approves in the browser. Show `verification_uri` (relative to
   * the server unless it is absolute) and `user_code`. `program` is shown to that person.
   */
  startDeviceLogin(program: string, options?: CallOptions): Promise<DeviceLogin> {
    const headers = { 'user-agent': program };
    return this.#requests.change({ method: 'POST', path: `${authPath}/device`, headers }, options);
  }

  /**
   * `AUTHORIZATION_PENDING` (400): ask again after `interval` seconds; `SLOW_DOWN` (400): five
   * seconds later than that; `DEVICE_LOGIN_DENIED` (403) and `DEVICE_CODE_EXPIRED` (400) end it.
   */
  pollDeviceLogin(device_code: string, program: string, options?: CallOptions): Promise<Login> {
    const call = { path: `${authPath}/device/token`, headers: { 'user-agent': program } };
    return this.#requests.change({ method: 'POST', ...call, body: { device_code } }, options);
  }

  logout(options?: CallOptions): Promise<Done> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/logout` }, options);
  }

  me(options?: CallOptions): Promise<Me> {
    return this.#requests.read(`${authPath}/me`, {}, options);
  }

  /** One's own living sessions, newest first. */
  list(page: PageOf = {}, options?: CallOptions): Promise<Page<OwnSession>> {
    return this.#requests.readArray(`${authPath}/sessions`, page, options);
  }

  end(id: string, options?: CallOptions): Promise<Done> {
    const path = `${authPath}/sessions/${encodeURIComponent(id)}`;
    return this.#requests.change({ method: 'DELETE', path }, options);
  }

  /** Ends all of one's own sessions but this one. */
  endOthers(options?: CallOptions): Promise<EndedSessions> {
    return this.#requests.change({ method: 'DELETE', path: `${authPath}/sessions` }, options);
  }

  /**
   * Step-up: for ten minutes the session may do what answers `STEP_UP_REQUIRED` (403) otherwise.
   * With neither member the refusal says what is needed.
   */
  confirm(body: Confirmation, options?: CallOptions): Promise<Done> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/confirm`, body }, options);
  }

  /** Ends all tokens of this user. */
  changePassword(
    body: { current_password: string; new_password: string },
    options?: CallOptions,
  ): Promise<Done> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/change-password`, body }, options);
  }
}
