import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { type Asked, askedFactor, type Proof } from './asked-factor.ts';
import { SecondFactorStep } from './second-factor-step.tsx';

const fields = ['email', 'password'] as const;

type Typed = { email: string; password: string };

type Props = {
  /** Why the form is shown again. */
  reason: string | undefined;
  onLoggedIn: (userId: string) => void;
};

/** Login: e-mail address and password, and then a second factor if the account has one. */
export function LogInForm({ reason, onLoggedIn }: Props) {
  const [asked, setAsked] = useState<{ typed: Typed; asked: Asked }>();
  const logIn = useMutation({
    mutationFn: (typed: Typed) => send(typed),
    onSuccess: ({ user }) => onLoggedIn(user.id),
    onError: (error, typed) => {
      const asked = askedFactor(error);
      if (asked !== undefined) setAsked({ typed, asked });
    },
  });
  const faults = fieldFaults(logIn.error, fields);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    logIn.mutate({ email: String(form.get('email')), password: String(form.get('password')) });
  };
  if (asked !== undefined) {
    return (
      <Stack>
        <SecondFactorStep
          asked={asked.asked}
          ask={() => askAgain(asked.typed)}
          send={(proof) => send(asked.typed, proof)}
          onDone={({ user }) => onLoggedIn(user.id)}
          verb="Log in"
        />
        <Button variant="subtle" onClick={() => setAsked(undefined)}>
          Back
        </Button>
      </Stack>
    );
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        {reason !== undefined && <Alert color="blue" title={reason} />}
        {faults.rest !== undefined && !askedFactor(logIn.error) && <FaultAlert error={faults.rest} />}
        <TextInput
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          required
          error={faults.of.email}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          error={faults.of.password}
        />
        <Button type="submit" loading={logIn.isPending}>
          Log in
        </Button>
      </Stack>
    </form>
  );
}

function send(typed: Typed, second_factor?: Proof) {
  const body = { ...typed, ...(second_factor !== undefined && { second_factor }) };
  return answerTo(api.POST('/api/v1/platform/session', { body }));
}

/** The right password without a second factor is answered by a new challenge. */
async function askAgain(typed: Typed): Promise<Asked> {
  try {
    await send(typed);
  } catch (error) {
    const asked = askedFactor(error);
    if (asked !== undefined) return asked;
    throw error;
  }
  return { methods: [] };
}
