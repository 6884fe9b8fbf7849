import { Anchor, Button, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { answerTo, api } from '../api/client.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { leaveTo } from './leave-to.ts';
import { LogInForm } from './log-in-form.tsx';
import type { Me } from './me.ts';
import { ProviderSignIn } from './provider-sign-in.tsx';
import { useLogInState } from './use-log-in-state.ts';

/**
 * Login above a filled form or a secret that is shown once, after the session has ended. Another
 * operator does not get the view of this one: then the page is loaded anew.
 */
export function LogInAgain({ me }: { me: Me }) {
  const queryClient = useQueryClient();
  const state = useLogInState();
  const page = state.data?.provider_sign_in;
  const goOn = (userId: string) => {
    if (userId === me.id) void queryClient.invalidateQueries();
    else leaveTo('/');
  };
  // The view of one operator is shown to that operator alone.
  const check = useMutation({
    mutationFn: () => answerTo(api.GET('/api/v1/platform/auth/me')),
    onSuccess: ({ id }) => goOn(id),
  });
  return (
    <Modal
      opened
      onClose={() => undefined}
      title="Your session has ended"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      zIndex={300}
      overlayProps={{ backgroundOpacity: 0.9 }}
    >
      <Stack>
        <Text>
          Log in as {me.name} to go on: what was open is still there, and what you have filled in has not been
          sent.
        </Text>
        {page != null && (
          <>
            <ProviderSignIn page={page} next="/account" isBeside />
            {check.error !== null && <FaultAlert error={check.error} />}
            <Button variant="default" onClick={() => check.mutate()} loading={check.isPending}>
              I have signed in, go on
            </Button>
          </>
        )}
        <LogInForm reason={undefined} onLoggedIn={goOn} />
        <Anchor component="button" type="button" size="sm" onClick={() => leaveTo('/login')}>
          Discard it and go to the login
        </Anchor>
      </Stack>
    </Modal>
  );
}
