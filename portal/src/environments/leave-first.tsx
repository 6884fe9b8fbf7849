import { Stack, Text, Title } from '@mantine/core';
import type { Inside } from '../sessions/inside.ts';

/** For a link to the environments of another tenant than the impersonated one. */
export function LeaveFirst({ inside }: { inside: Inside }) {
  return (
    <Stack align="flex-start">
      <Title order={1}>Environments</Title>
      <Text>
        These are the environments of another tenant, and you work inside {inside.name}. Leave {inside.name}{' '}
        and open this address again.
      </Text>
    </Stack>
  );
}
