import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import { type Job, useCancelJob, useJob } from './use-bulk-order.ts';

const statusTexts: Record<Job['status'], string> = {
  queued: 'Waiting for the worker',
  running: 'Running',
  completed: 'Completed',
  cancelled: 'Cancelled. Keys that were changed before stay so',
  failed: 'Failed: the one who ordered it may not any more',
};

/** Progress of an order about many keys, which may be left alone or cancelled. */
export function BulkJob({ id }: { id: string }) {
  const job = useJob(id);
  const cancel = useCancelJob(id);
  const fault = job.error ?? cancel.error;
  const { data } = job;
  // The keys of a stop are refused already: there is nothing to cancel.
  const isOpen = data !== undefined && data.finished_at === null;
  return (
    <Stack gap="xs">
      {fault !== null && <FaultAlert error={fault} />}
      {data !== undefined && (
        <>
          <Text role="status">
            {statusTexts[data.status]}: {number(data.affected_count)}
            {data.total_count !== null && ` of ${number(data.total_count)}`} keys.
          </Text>
          {data.total_count !== null && (
            <Progress
              value={(100 * data.affected_count) / Math.max(1, data.total_count)}
              aria-label="Keys that were changed"
            />
          )}
        </>
      )}
      {isOpen && id.startsWith('job_') && (
        <Group>
          <Button
            variant="default"
            size="xs"
            loading={cancel.isPending}
            onClick={() => cancel.mutate(undefined)}
          >
            Cancel the job
          </Button>
          <Text size="sm">It goes on when this is closed.</Text>
        </Group>
      )}
    </Stack>
  );
}
