import { inTime } from '../concurrency/deadline.ts';
import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { decisionMsMax, type Outcome } from '../domain/forward-auth/outcome.ts';
import type { ProxyRequest } from '../domain/forward-auth/proxy-request.ts';
import { FlowplateApiError, FlowplateUndecidedError } from '../sdk/errors.ts';
import type { TraceHeaders } from '../sdk/trace-headers.ts';
import type { GateParts } from './gate-parts.ts';

type Parts = Pick<GateParts, 'verifier' | 'brokerHealth'>;

/**
 * Decides about the request that a gateway holds: forward auth and ext_authz. A value when memory
 * has the answer. Never rejects, and takes at most the time that Envoy waits.
 */
export function decideRequest(
  { verifier, brokerHealth }: Parts,
  asked: ProxyRequest,
  isGateway: boolean,
  { requestId, readTrace }: { requestId: string; readTrace: () => TraceHeaders | undefined },
): MaybeLater<Outcome> {
  if (!isGateway || brokerHealth.isKeyRefused()) return 'GATEWAY_UNKNOWN';
  if (asked.key === undefined) return asked.isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS';
  const { scopes, organizationId, environment, ip } = asked.asked;
  const request = { key: asked.key, scopes, organization_id: organizationId, environment, ip };
  const tellId = () => requestId;
  const remembered = verifier.verifyNow(request, tellId);
  if (remembered !== undefined) return remembered;
  const verdict = verifier.verify(request, { requestId: tellId, trace: readTrace() });
  return inTime(verdict, decisionMsMax, () => new Error('undecided')).catch(outcomeOf);
}

/** The answer of forward auth at the broker, where its refusal tells it. */
function outcomeOf(error: unknown): Outcome {
  const cause = error instanceof FlowplateUndecidedError ? error.cause : undefined;
  const status = cause instanceof FlowplateApiError ? cause.status : undefined;
  if (status === 401) return 'GATEWAY_UNKNOWN';
  if (status === 403) return 'GATEWAY_FORBIDDEN';
  // A demand that JSON cannot express: two organizations at once, or a scope that no key can have.
  if (status === 422) return { valid: false, code: 'INSUFFICIENT_SCOPE' };
  return 'UNDECIDED';
}
