import { Alert, Button, Code, CopyButton, Group, Modal, Stack } from '@mantine/core';
import { useUnsavedForm } from './unsaved-forms.ts';

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
 * lost. Counts as a filled form for the same reason: the browser asks before it leaves, and after
 * the end of the session the login comes above it.
 */
export function ShownOnce({ title, advice, secret, done, onClose }: Props) {
  useUnsavedForm(true);
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
