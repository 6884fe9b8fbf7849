import { Code, Text } from '@mantine/core';

type Props = { id: string; name: string | undefined };

/** A thing by its name, with the id below; the id alone without a name, or where both are equal. */
export function Named({ id, name }: Props) {
  if (name === undefined || name === id) return <>{id}</>;
  return (
    <>
      {name}
      <Text size="xs">
        <Code style={{ overflowWrap: 'anywhere' }}>{id}</Code>
      </Text>
    </>
  );
}
