import { Button, Group, type MantineSize, Stack } from '@mantine/core';
import { type FormEvent, type MouseEvent, type ReactNode, useState } from 'react';
import { Dialog } from './dialog.tsx';
import { FaultAlert } from './fault-alert.tsx';
import { useUnsavedForm } from './unsaved-forms.ts';

type Props = {
  title: string;
  /** Label of the submit button. */
  verb: string;
  size?: MantineSize;
  isPending?: boolean;
  /** Error that concerns no single field. */
  fault?: unknown;
  onSubmit: (form: FormData) => void;
  onClose: () => void;
  children: ReactNode;
};

/**
 * Form in a dialog. A click outside does not close it, and once it is filled in Escape does not
 * either, because what was typed would be lost.
 */
export function FormDialog({
  title,
  verb,
  size = 'md',
  isPending = false,
  fault,
  onSubmit,
  onClose,
  children,
}: Props) {
  const [isFilled, setIsFilled] = useState(false);
  useUnsavedForm(isFilled);
  const fill = () => setIsFilled(true);
  const choose = (event: MouseEvent<HTMLFormElement>) => {
    if (event.target instanceof Element && event.target.closest('[role="option"]') !== null) fill();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <Dialog onClose={onClose} title={title} size={size} closeOnClickOutside={false} closeOnEscape={!isFilled}>
      {/* A list of choices hangs elsewhere in the page, but its clicks bubble to here in React. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: only notices a choice, which the keyboard makes by input */}
      <form onSubmit={submit} onInput={fill} onChange={fill} onClick={choose}>
        <Stack>
          {fault !== undefined && <FaultAlert error={fault} />}
          {children}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isPending}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
