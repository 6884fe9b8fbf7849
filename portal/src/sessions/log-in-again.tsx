import { Anchor, Modal, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { leaveTo } from './leave-to.ts';
import { LogInForm } from './log-in-form.tsx';
import type { Me } from './me.ts';

/**
 * Login above a filled form, after the session has ended. Another operator does not get the view of
 * this one: then the page is loaded anew.
 */
export function LogInAgain({ me }: { me: Me }) {
  const queryClient = useQueryClient();
  const goOn = (userId: string) => {
    if (userId === me.id) void queryClient.invalidateQueries();
    else leaveTo('/');
  };
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
          Log in as {me.name} to go on: what you have filled in is still there, and has not been sent.
        </Text>
        <LogInForm reason={undefined} onLoggedIn={goOn} />
        <Anchor component="button" type="button" size="sm" onClick={() => leaveTo('/login')}>
          Discard it and go to the login
        </Anchor>
      </Stack>
    </Modal>
  );
}
