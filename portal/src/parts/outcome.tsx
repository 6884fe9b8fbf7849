import { Alert } from '@mantine/core';

export type Propagated = {
  propagation: 'complete' | 'pending';
  propagation_detail: {
    effective_by: string | null;
    held_up_by?: { master_key_id: string | null }[];
  };
};

type Props = { title: string; complete: string; propagated: Propagated };

/** Result of a restricting change: in effect everywhere, or by when. */
export function Outcome({ title, complete, propagated }: Props) {
  const { propagation, propagation_detail: detail } = propagated;
  if (propagation === 'complete') {
    return (
      <Alert variant="default" title={title} role="status">
        {complete}
      </Alert>
    );
  }
  const by = detail.effective_by === null ? 'soon' : new Date(detail.effective_by).toLocaleTimeString();
  return (
    <Alert variant="default" title={`${title}, not everywhere yet`} role="status">
      Some verifier could not be reached. It is certain by {by} at the latest.
      {waitedFor(detail.held_up_by ?? [])}
    </Alert>
  );
}

function waitedFor(verifiers: readonly { master_key_id: string | null }[]): string {
  const names = verifiers.map(({ master_key_id: id }) => id ?? 'an API process');
  return names.length === 0 ? '' : ` It waits for ${[...new Set(names)].join(', ')}.`;
}
