import { Anchor, Stack, Text, Title } from '@mantine/core';
import { Link } from 'react-router';

/** Not-found page. */
export function NoView() {
  return (
    <Stack>
      <Title order={1}>Nothing to see here</Title>
      <Text>This page does not exist.</Text>
      <Anchor component={Link} to="/">
        Go to the start
      </Anchor>
    </Stack>
  );
}
