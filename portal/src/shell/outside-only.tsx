import { Stack, Text, Title } from '@mantine/core';
import type { Inside } from '../sessions/inside.ts';

/**
 * In the place of a view about the whole platform, during an impersonation. Requests no data.
 */
export function OutsideOnly({ inside, label }: { inside: Inside; label: string }) {
  return (
    <Stack>
      <Title order={1}>{label}</Title>
      <Text>
        This view is about the whole platform, and you work inside {inside.name}. Leave {inside.name} to open
        it.
      </Text>
    </Stack>
  );
}
