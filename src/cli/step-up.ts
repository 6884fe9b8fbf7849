import { FlowplateApiError } from '../sdk/errors.ts';
import type { FlowplateOperatorClient } from '../sdk/operator-client.ts';
import { secretAsker } from './ask-secret.ts';
import { Refusal } from './failure.ts';

type Ask = (label: string) => Promise<string>;
type TypedFactor = { kind: 'totp' | 'recovery_code'; code: string };

/**
 * Sends a request; when the server wants to know that it is still the owner of the login who asks,
 * confirms that at the terminal and sends it again. Without a terminal it says what to do.
 */
export async function withStepUp<Answer>(
  client: FlowplateOperatorClient,
  send: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    if (codeOf(error) !== 'STEP_UP_REQUIRED') throw error;
  }
  if (!process.stdin.isTTY) {
    throw new Refusal(
      'your login is older than ten minutes, and this needs a confirmation that it is you. Confirm it with flowplate platform confirm, and run this again (STEP_UP_REQUIRED)',
    );
  }
  process.stderr.write('Please confirm that it is you.\n');
  await confirmSession(client, secretAsker(false));
  return send();
}

/** Asks for what the account confirms with: a code of its second factor, else the password. */
export async function confirmSession({ session }: FlowplateOperatorClient, ask: Ask): Promise<void> {
  try {
    await session.confirm({});
  } catch (error) {
    if (codeOf(error) === 'MANAGED_BY_PROVIDER') throw logInAnew();
    if (codeOf(error) === 'VALIDATION_ERROR') await session.confirm({ password: await ask('Your password') });
    else await session.confirm({ second_factor: await askSecondFactor(error, ask) });
  }
}

/** An account of the identity provider has nothing that could be typed here. */
function logInAnew(): Refusal {
  return new Refusal(
    'your company account is confirmed in the browser. Log in again with flowplate platform login, and run this again',
  );
}

/** Asks for a code when the server has asked for a second factor; any other error is thrown on. */
export async function askSecondFactor(error: unknown, ask: Ask): Promise<TypedFactor> {
  if (codeOf(error) !== 'SECOND_FACTOR_REQUIRED') throw error;
  const { methods = [] } = (error as FlowplateApiError).details as { methods?: string[] };
  const label = methods.includes('totp')
    ? 'Code of your authenticator app, or a recovery code'
    : 'Recovery code (passkeys work in the portal alone)';
  const code = (await ask(label)).replace(/\s/g, '');
  return { kind: /^\d{6}$/.test(code) ? 'totp' : 'recovery_code', code };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof FlowplateApiError ? error.code : undefined;
}
