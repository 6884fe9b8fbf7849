import { Button, Group, Paper, Text } from '@mantine/core';
import type { Inside } from '../sessions/inside.ts';
import { leave } from '../sessions/inside.ts';
import { leaveTo } from '../sessions/leave-to.ts';

/** Banner above every view during an impersonation. */
export function InsideBanner({ inside }: { inside: Inside }) {
  const goOut = () => {
    leave();
    leaveTo('/tenants');
  };
  return (
    <Paper
      component="section"
      aria-label="Impersonation"
      bg="red.9"
      c="white"
      p="sm"
      mb="md"
      pos="sticky"
      top={72}
      style={{ zIndex: 10 }}
    >
      <Group justify="space-between">
        <Text fw={700}>
          You work inside {inside.name}
          {inside.name !== inside.id && ` (${inside.id})`}. Every call there is audited under your name.
        </Text>
        <Button variant="white" color="dark" onClick={goOut}>
          Leave {inside.name}
        </Button>
      </Group>
    </Paper>
  );
}
