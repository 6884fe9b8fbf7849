import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { type Asked, codeProof, type Proof } from './asked-factor.ts';
import { arePasskeysPossible, signWithPasskey } from './passkey.ts';

type Props<Answer> = {
  asked: Asked;
  /** Asks the server again: each use of a passkey needs a challenge of its own. */
  ask: () => Promise<Asked>;
  send: (proof: Proof) => Promise<Answer>;
  onDone: (answer: Answer) => void;
  verb: string;
};

/** Asks for a second factor: a code, or a passkey where this page can have one. */
export function SecondFactorStep<Answer>({ asked, ask, send, onDone, verb }: Props<Answer>) {
  const byCode = useMutation({ mutationFn: (typed: string) => send(codeProof(typed)), onSuccess: onDone });
  const byPasskey = useMutation({
    mutationFn: async () => send(await signWithPasskey(await ask())),
    onSuccess: onDone,
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    byPasskey.reset();
    byCode.mutate(String(new FormData(event.currentTarget).get('code')));
  };
  const takesCode = asked.methods.some((method) => method !== 'passkey');
  const takesPasskey = asked.passkey !== undefined && arePasskeysPossible;
  const fault = byPasskey.error ?? byCode.error;
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text>This account has a second factor.</Text>
        {fault !== null && <FaultAlert error={fault} />}
        {takesPasskey && (
          <Button
            variant={takesCode ? 'default' : 'filled'}
            loading={byPasskey.isPending}
            onClick={() => byPasskey.mutate()}
          >
            Use a passkey
          </Button>
        )}
        {takesCode && (
          <>
            <TextInput
              label={asked.methods.includes('totp') ? 'Code' : 'Recovery code'}
              description={
                asked.methods.includes('totp')
                  ? 'The six digits of your authenticator app, or a recovery code.'
                  : undefined
              }
              name="code"
              autoComplete="one-time-code"
              data-autofocus
              autoFocus
              required
            />
            <Button type="submit" loading={byCode.isPending}>
              {verb}
            </Button>
          </>
        )}
        {!takesCode && !takesPasskey && (
          <Text size="sm">Its passkeys belong to another address of this server: open the portal there.</Text>
        )}
      </Stack>
    </form>
  );
}
