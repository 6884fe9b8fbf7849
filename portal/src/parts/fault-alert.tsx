import { Alert, Button, Group, Text } from '@mantine/core';
import { ApiFault } from '../api/fault.ts';

type Props = { error: unknown; retry?: () => void };

/** What went wrong, in the server's words, with what a support person will ask for. */
export function FaultAlert({ error, retry }: Props) {
  const isAnswered = error instanceof ApiFault;
  // What a browser says of it ("Failed to fetch") is different in each, and no help.
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
