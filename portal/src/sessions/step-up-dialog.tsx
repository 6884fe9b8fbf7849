import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ApiFault } from '../api/fault.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Waiting } from '../parts/waiting.tsx';
import { type Asked, askedFactor, type Proof } from './asked-factor.ts';
import { ProviderSignIn } from './provider-sign-in.tsx';
import { SecondFactorStep } from './second-factor-step.tsx';
import { settleStepUp, useIsStepUpAsked } from './step-up.ts';
import { useLogInState } from './use-log-in-state.ts';

/**
 * Asks for a confirmation above everything else; then the refused request is sent again. Mounted
 * for one operator: once their view is gone, what waits is refused, because the confirmation of
 * another one would send it in that one's name.
 */
export function StepUpDialog() {
  useEffect(() => {
    // Also what was asked for between two views.
    settleStepUp(false);
    return () => settleStepUp(false);
  }, []);
  return useIsStepUpAsked() ? <OpenStepUp /> : null;
}

function OpenStepUp() {
  const needed = useQuery({ queryKey: ['step-up'], queryFn: askWhatIsNeeded, gcTime: 0, retry: false });
  return (
    <Dialog
      onClose={() => settleStepUp(false)}
      title="Please confirm that it is you"
      closeOnClickOutside={false}
      zIndex={300}
    >
      <Stack>
        <Text size="sm">
          Your login is older than ten minutes. The action goes on as soon as you have confirmed.
        </Text>
        {needed.isPending && <Waiting />}
        {needed.isError && <FaultAlert error={needed.error} retry={() => void needed.refetch()} />}
        {needed.data === 'password' && <PasswordStep />}
        {needed.data === 'provider' && <ProviderStep />}
        {typeof needed.data === 'object' && (
          <SecondFactorStep
            asked={needed.data}
            ask={askAgain}
            send={(second_factor) => confirm({ second_factor })}
            onDone={() => settleStepUp(true)}
            verb="Confirm"
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => settleStepUp(false)}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

function PasswordStep() {
  const byPassword = useMutation({
    mutationFn: (password: string) => confirm({ password }),
    onSuccess: () => settleStepUp(true),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    byPassword.mutate(String(new FormData(event.currentTarget).get('own_password')));
  };
  const isWrong = byPassword.error instanceof ApiFault && byPassword.error.code === 'INVALID_CREDENTIALS';
  return (
    <form onSubmit={submit}>
      <Stack>
        {byPassword.isError && !isWrong && <FaultAlert error={byPassword.error} />}
        <PasswordInput
          label="Your password"
          name="own_password"
          autoComplete="current-password"
          data-autofocus
          autoFocus
          required
          error={isWrong && 'is not your password'}
        />
        <Button type="submit" loading={byPassword.isPending}>
          Confirm
        </Button>
      </Stack>
    </form>
  );
}

/** In a tab of its own: this one holds what has been filled in. */
function ProviderStep() {
  const state = useLogInState();
  const page = state.data?.provider_sign_in;
  return (
    <Stack>
      {page != null && <ProviderSignIn page={page} next="/account" isBeside isConfirming />}
      <Button variant="default" onClick={() => settleStepUp(true)}>
        I have signed in, go on
      </Button>
    </Stack>
  );
}

function confirm(body: { password?: string; second_factor?: Proof }) {
  return answerTo(api.POST('/api/v1/platform/auth/confirm', { body }));
}

/** An empty confirmation is refused with what it needs. */
async function askWhatIsNeeded(): Promise<'password' | 'provider' | Asked> {
  try {
    await confirm({});
  } catch (error) {
    const asked = askedFactor(error);
    if (asked !== undefined) return asked;
    if (error instanceof ApiFault && error.code === 'VALIDATION_ERROR') return 'password';
    if (error instanceof ApiFault && error.code === 'MANAGED_BY_PROVIDER') return 'provider';
    throw error;
  }
  return 'password';
}

async function askAgain(): Promise<Asked> {
  const needed = await askWhatIsNeeded();
  return typeof needed === 'string' ? { methods: [] } : needed;
}
