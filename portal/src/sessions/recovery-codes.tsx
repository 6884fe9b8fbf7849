import { Alert, Button, Code, CopyButton, Group, Modal, Stack } from '@mantine/core';

/**
 * Shows recovery codes once. A click outside or Escape does not close it, because they would be
 * lost.
 */
export function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const text = codes.join('\n');
  return (
    <Modal
      opened
      onClose={onClose}
      title="Recovery codes"
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      <Stack>
        <Alert variant="default" title="Store them now, apart from your phone">
          Each lets you in once, when you have lost your second factor. They are shown only this once.
        </Alert>
        <Code block tabIndex={0} aria-label="Recovery codes">
          {text}
        </Code>
        <Group justify="flex-end">
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>I have stored them</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
