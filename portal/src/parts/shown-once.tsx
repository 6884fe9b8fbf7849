import { Alert, Button, Code, CopyButton, Group, Modal, Stack } from '@mantine/core';

type Props = { name: string; secret: string; onClose: () => void };

/**
 * Shows a secret once. A click outside or Escape does not close it, because the secret would be
 * lost.
 */
export function ShownOnce({ name, secret, onClose }: Props) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={`The key of ${name}`}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      size="lg"
    >
      <Stack>
        <Alert variant="default" title="Copy it now">
          This key is shown only this once. It cannot be retrieved later.
        </Alert>
        <Code block tabIndex={0}>
          {secret}
        </Code>
        <Group justify="flex-end">
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>I have stored it</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
