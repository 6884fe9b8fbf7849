import { Stack, Text, Title } from '@mantine/core';
import { Navigate } from 'react-router';
import { useOwn } from '../sessions/me.ts';
import { isThere, places } from './navigation.ts';

/** First view that this operator may see. */
export function Home() {
  const { me, may, inside } = useOwn();
  const first = places.find((place) => may(place.need) && isThere(place, inside !== undefined));
  if (first !== undefined) return <Navigate to={first.to} replace />;
  return (
    <Stack>
      <Title order={1}>Welcome, {me.name}</Title>
      <Text>Your roles let you see nothing here yet. A super-admin can change that.</Text>
    </Stack>
  );
}
