import type { BulkOrdered, Propagated } from '../../sdk/api-types.ts';
import { toSeconds } from './time.ts';

type Later = Pick<BulkOrdered, keyof Propagated>;

/** Text about the propagation of a change. */
export function propagationText({ propagation, propagation_detail }: Propagated | Later): string {
  if (propagation === 'complete') return 'propagation: complete';
  const { effective_by, held_up_by = [] } = propagation_detail;
  const names = held_up_by.map(({ master_key_id }) => master_key_id ?? 'an API process');
  return [
    effective_by === null
      ? 'propagation: pending'
      : `propagation: pending, certain by ${toSeconds(effective_by)}`,
    ...(names.length > 0 ? [`held up by ${[...new Set(names)].join(', ')}`] : []),
  ].join(', ');
}

/** The same for answers that have it only while the change is pending. */
export function stillPending({ propagation_detail }: Partial<Propagated>): string[] {
  if (propagation_detail === undefined) return [];
  return [`The old key is refused everywhere by ${toSeconds(propagation_detail.effective_by)} at the latest`];
}
