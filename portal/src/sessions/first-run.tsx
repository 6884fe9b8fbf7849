import { Button, Code, CopyButton, Group, Text } from '@mantine/core';

/** Shown before the first user exists. */
export function FirstRun() {
  const command = [
    'read -rs FLOWPLATE_API_KEY && export FLOWPLATE_API_KEY',
    `npx flowplate --server ${window.location.origin} platform create-admin --email you@example.com --name "You"`,
  ].join('\n');
  return (
    <>
      <Text>There is no user yet. Make the first one, a super-admin, in a terminal on the server:</Text>
      <Code block tabIndex={0}>
        {command}
      </Code>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          Paste the tenant key of the first start at the first line, which keeps it out of the history.
        </Text>
        <CopyButton value={command}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Text size="sm">This page goes on to the login by itself.</Text>
    </>
  );
}
