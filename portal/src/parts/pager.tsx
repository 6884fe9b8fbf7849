import { Button, Group } from '@mantine/core';

type Props = { cursor: string; next: string | undefined; onTurn: (cursor: string) => void };

/**
 * Pager: forward, and back to the newest. The cursor is in the address, so the browser's Back works
 * too.
 */
export function Pager({ cursor, next, onTurn }: Props) {
  return (
    <Group justify="flex-end">
      <Button variant="default" disabled={cursor === ''} onClick={() => onTurn('')}>
        First page
      </Button>
      <Button variant="default" disabled={next === undefined} onClick={() => onTurn(next ?? '')}>
        Next page
      </Button>
    </Group>
  );
}
