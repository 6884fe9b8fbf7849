import { TOTP } from 'otpauth';
import type { TestBroker } from './broker.ts';
import type { Answer } from './call.ts';
import { goodPassword, type LoggedIn } from './platform-users.ts';

const own = '/api/v1/platform/auth';

/** The code of an app, some steps of 30 seconds from the broker's now. */
export function totpCode(broker: TestBroker, secret: string, steps = 0): string {
  const timestamp = broker.api.parts.clock.now().getTime() + steps * 30_000;
  return new TOTP({ secret }).generate({ timestamp });
}

/**
 * Sets up an authenticator app. It uses up the code of the step before: that of now and of the next
 * step are still good.
 */
export async function enrollTotp(broker: TestBroker, { headers }: Pick<LoggedIn, 'headers'>) {
  const begun = await broker.call(`POST ${own}/totp`, { as: null, headers });
  const { secret } = begun.body;
  const body = { code: totpCode(broker, secret, -1) };
  const done = await broker.call(`POST ${own}/totp/activate`, { as: null, headers, body });
  if (done.status !== 201) throw new Error(`enrolment: ${JSON.stringify([begun.body, done.body])}`);
  return {
    id: done.body.id as string,
    secret: secret as string,
    codes: done.body.recovery_codes as string[],
  };
}

/** A login with a second factor, or with none. */
export function tryLogInWith(
  broker: TestBroker,
  email: string,
  second_factor?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = { email, password: goodPassword, second_factor };
  return broker.call('POST /api/v1/platform/auth/login', { as: null, headers, body });
}

export function confirm(
  broker: TestBroker,
  { headers }: Pick<LoggedIn, 'headers'>,
  body: object,
): Promise<Answer> {
  return broker.call(`POST ${own}/confirm`, { as: null, headers, body });
}
