import { Alert, Button, Group, Text } from '@mantine/core';
import { ApiFault } from '../api/fault.ts';

type Props = { error: unknown; retry?: () => void };

/** Error alert with the server's message, and the trace id for support. */
export function FaultAlert({ error, retry }: Props) {
  const isAnswered = error instanceof ApiFault;
  // The browser's own text ("Failed to fetch") differs by browser, and does not help.
  const message = isAnswered ? error.message : 'The server could not be reached.';
  const traceId = isAnswered ? error.traceId : undefined;
  const told = isAnswered ? traceId && `Request ${traceId}` : 'Is it running?';
  return (
    <Alert color="red" title={message} role="alert">
      {isAnswered &&
        Object.entries(error.fields).map(([field, told]) => (
          <Text key={field} size="sm">
            {field}: {told}
          </Text>
        ))}
      <Group justify="space-between">
        <Text size="sm">{told}</Text>
        {retry !== undefined && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}
