import { Button, Group, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { Dialog } from './dialog.tsx';
import { FaultAlert } from './fault-alert.tsx';

type Props = {
  title: string;
  /** Label of the confirming button; it names the target. */
  verb: string;
  color?: string;
  /** False while the question is not complete yet. */
  isReady?: boolean;
  change: { isPending: boolean; isError: boolean; error: unknown };
  onConfirm: () => void;
  onClose: () => void;
  /** Result after the action, in place of the question. */
  outcome?: ReactNode;
  /** The question: describes the effect. */
  children: ReactNode;
};

/** Confirmation dialog. Cancel has the focus, so that Enter alone ends nothing. */
export function ConfirmDialog(props: Props) {
  const { title, verb, color = 'red', isReady = true, change, onConfirm, onClose, outcome, children } = props;
  const isDone = outcome !== undefined;
  return (
    <Dialog onClose={onClose} title={title} closeOnClickOutside={false}>
      <Stack>
        {outcome ?? children}
        {change.isError && <FaultAlert error={change.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {isDone ? 'Close' : 'Cancel'}
          </Button>
          {!isDone && (
            <Button color={color} loading={change.isPending} disabled={!isReady} onClick={onConfirm}>
              {verb}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  );
}
