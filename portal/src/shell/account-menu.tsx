import { Button, Menu, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from 'react-router';
import { answerTo, api } from '../api/client.ts';
import { leave } from '../sessions/inside.ts';
import { leaveTo } from '../sessions/leave-to.ts';

export function AccountMenu({ name }: { name: string }) {
  const logOut = useMutation({
    mutationFn: () => answerTo(api.POST('/api/v1/platform/auth/logout')),
    onSuccess: () => {
      leave();
      leaveTo('/login');
    },
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" maw={{ base: 80, sm: 240 }} px={{ base: 'xs', sm: 'md' }}>
          <Text span truncate inherit lh={1.5}>
            {name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to="/account">
          Account
        </Menu.Item>
        <Menu.Item closeMenuOnClick={false} onClick={() => logOut.mutate()}>
          Log out
        </Menu.Item>
        {logOut.isError && (
          <Menu.Label c="red" role="alert">
            You are still logged in: the server could not be told.
          </Menu.Label>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
