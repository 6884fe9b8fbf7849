import { Alert, Button, Code, CopyButton, Group, Modal, Stack } from '@mantine/core';

type Props = {
  title: string;
  /** What the secret is for, in a heading and a sentence. */
  advice: { title: string; text: string };
  secret: string;
  /** Label of the button that closes. */
  done: string;
  onClose: () => void;
};

/**
 * Shows a secret once. A click outside or Escape does not close it, because the secret would be
 * lost.
 */
export function ShownOnce({ title, advice, secret, done, onClose }: Props) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      size="lg"
    >
      <Stack>
        <Alert variant="default" title={advice.title}>
          {advice.text}
        </Alert>
        <Code block tabIndex={0} aria-label={title}>
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
          <Button onClick={onClose}>{done}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
