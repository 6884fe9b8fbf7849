import { Button, Group, type MantineSize, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { Dialog } from './dialog.tsx';
import { FaultAlert } from './fault-alert.tsx';

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
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <Dialog onClose={onClose} title={title} size={size}>
      <form onSubmit={submit}>
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
