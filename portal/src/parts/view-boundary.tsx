import { Alert, Button, Group, Text } from '@mantine/core';
import { Component, type ReactNode } from 'react';

/**
 * Error boundary of a view. Mostly its script could not be loaded, because the server is down or
 * was updated. React remembers the failure, so only a reload helps.
 * https://react.dev/reference/react/lazy
 */
export class ViewBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <Alert color="red" title="This view could not be loaded" role="alert">
        <Group justify="space-between">
          <Text size="sm">The server is down, or the portal has been updated.</Text>
          <Button size="xs" variant="default" onClick={() => window.location.reload()}>
            Reload the page
          </Button>
        </Group>
      </Alert>
    );
  }
}
