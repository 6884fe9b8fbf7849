import { FlowplateError } from '../../domain/errors.ts';
import { findApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import { listUsageSums } from '../../stores/postgres/usage/usage.ts';
import { type KeyUsage, type UsageRequest, wholeSteps } from '../usage/usage-range.ts';
import type { ApiKeyReadParts } from './get-api-key.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

/** Usage of a tenant or platform key over time. `KEY_NOT_FOUND`, `VALIDATION_ERROR`. */
export function getApiKeyUsage(
  { db, clock }: ApiKeyReadParts,
  principal: ApiKeyPrincipal,
  id: string,
  request: UsageRequest,
): Promise<KeyUsage> {
  return withinReach(db, principal, async (tx, reach) => {
    if ((await findApiKey(tx, reach, id)) === undefined) throw new FlowplateError('KEY_NOT_FOUND');
    const range = wholeSteps(request, clock.now());
    return { ...range, sums: await listUsageSums(tx, id, range) };
  });
}
