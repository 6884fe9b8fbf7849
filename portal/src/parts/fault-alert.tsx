import { Alert, Button, Group, Text } from '@mantine/core';
import { ApiFault } from '../api/fault.ts';

type Props = { error: unknown; retry?: () => void };

/** What went wrong, in the server's words, with what a support person will ask for. */
export function FaultAlert({ error, retry }: Props) {
  const message = error instanceof Error ? error.message : 'Something went wrong.';
  const traceId = error instanceof ApiFault ? error.traceId : undefined;
  return (
    <Alert color="red" title={message} role="alert">
      <Group justify="space-between">
        <Text size="sm">{traceId === undefined ? 'Is the server running?' : `Request ${traceId}`}</Text>
        {retry !== undefined && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}
