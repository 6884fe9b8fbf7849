import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

/** Link from another view to the details of a user key. */
export function UserKeyLink({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={`/hidden-keys?${new URLSearchParams({ key: id })}`} ff="monospace" size="sm">
      {children}
    </Anchor>
  );
}
