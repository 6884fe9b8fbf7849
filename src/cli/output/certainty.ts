import type { Propagated } from '../../sdk/api-types.ts';
import { toSeconds } from './time.ts';

/** What may be relied on after something was ended. */
export function certainty({ propagation, propagation_detail }: Propagated): string {
  return propagation === 'complete'
    ? 'propagation: complete'
    : `propagation: pending, certain by ${toSeconds(propagation_detail.effective_by)}`;
}

/** The same where the API says it only when there is something to wait for. */
export function stillPending({ propagation_detail }: Partial<Propagated>): string[] {
  if (propagation_detail === undefined) return [];
  return [`The old key is refused everywhere by ${toSeconds(propagation_detail.effective_by)} at the latest`];
}
