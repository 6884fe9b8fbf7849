import { Alert, Anchor, Divider, Stack } from '@mantine/core';
import { useState } from 'react';
import type { Get } from '../api/client.ts';
import { LogInForm } from './log-in-form.tsx';
import { ProviderSignIn } from './provider-sign-in.tsx';

type Props = {
  state: Get<'/api/v1/platform/session'>;
  reason: string | undefined;
  next: string;
  onLoggedIn: (userId: string) => void;
};

/** The company's sign-in where there is one, and the password where it is of use. */
export function WaysToLogIn({ state, reason, next, onLoggedIn }: Props) {
  const { provider_sign_in: page, password_login } = state;
  const [isEmergency, setIsEmergency] = useState(false);
  if (page === null) return <LogInForm reason={reason} onLoggedIn={onLoggedIn} />;
  const isPasswordShown = password_login === 'on' || isEmergency;
  return (
    <Stack>
      {reason !== undefined && <Alert color="blue" title={reason} />}
      <ProviderSignIn page={page} next={next} />
      {isPasswordShown && <Divider label="or" />}
      {isPasswordShown ? (
        <LogInForm reason={undefined} onLoggedIn={onLoggedIn} />
      ) : (
        <Anchor component="button" type="button" size="sm" onClick={() => setIsEmergency(true)}>
          Log in with a break-glass account
        </Anchor>
      )}
    </Stack>
  );
}
