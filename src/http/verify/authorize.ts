import { inTime } from '../../concurrency/deadline.ts';
import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import { authorizePath, limitedStatusOf } from '../../domain/forward-auth/authorize-path.ts';
import { decisionMsMax, meteredAs, type Outcome } from '../../domain/forward-auth/outcome.ts';
import { type ProxyRequest, readProxyRequest } from '../../domain/forward-auth/proxy-request.ts';
import { toRefusalAnswer } from '../../domain/forward-auth/refusals.ts';
import type { KeyRefusal } from '../../domain/key-refusal.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import { verifyKey } from '../../verify/verify-key.ts';
import { ambiguous, identifyMasterKey } from '../access/identify-master-key.ts';
import { notePresentedKeys } from '../access/note-presented-keys.ts';
import type { AppParts } from '../app.ts';
import { requestIdFrom } from '../request-context.ts';
import type { WholeAnswer } from '../send-whole.ts';
import { allowAnswer, type ProxyExchange, paceFor, refusalAnswer } from './proxy-answers.ts';

/**
 * Forward auth: a proxy asks whether the end client's key is valid for the request that it holds.
 * Takes any method, and reads only headers. 200 with every identity header and no body, or a
 * refusal with none of them; never a status that a proxy would misread (`docs/gateways.md`).
 */
export function authorize(parts: AppParts, { req, send }: ProxyExchange): void {
  const startedMs = parts.verifications.startMs();
  const asked = readProxyRequest(req.rawHeaders);
  const requestId = requestIdFrom(asked.requestId, parts.newRequestId);
  const ids = { requestId, traceId: parts.tracing?.traceIdOf(req) ?? null };
  const answer = (outcome: Outcome) => {
    parts.verifications.end('authz', meteredAs(outcome), startedMs);
    if (isWithoutVerdict(outcome))
      notePresentedKeys(parts, { req, ip: () => parts.readAddress(req), requestId });
    const whole = toWhole(parts, req.url, outcome, ids);
    // nginx announces the client's body and does not send it. On a kept connection the next request
    // would be read as that body.
    whole.isClosing = asked.announcesBody;
    send(whole);
  };
  const outcome = decide(parts, req, asked, ids);
  if (outcome instanceof Promise) void withDeadline(outcome).then(answer, () => answer('UNDECIDED'));
  else answer(outcome);
}

/** Refused before the presented key was looked at. */
function isWithoutVerdict(outcome: Outcome): boolean {
  return typeof outcome === 'string' && unjudged.includes(outcome);
}

const unjudged: readonly Outcome[] = ['GATEWAY_UNKNOWN', 'GATEWAY_FORBIDDEN', 'AMBIGUOUS'];

function withDeadline(outcome: Promise<Outcome>): Promise<Outcome> {
  return inTime(outcome, decisionMsMax, () => new Error('undecided'));
}

/** The ids that the end client is told, for questions about the request. */
type RequestIds = Pick<KeyRefusal, 'requestId' | 'traceId'>;

function decide(
  parts: AppParts,
  req: ProxyExchange['req'],
  asked: ProxyRequest,
  ids: RequestIds,
): MaybeLater<Outcome> {
  if (asked.isGatewayAmbiguous) return 'GATEWAY_UNKNOWN';
  const gateway = identifyMasterKey(parts, {
    // An empty header counts as absent.
    secret: asked.masterKey === '' ? undefined : asked.masterKey,
    connection: req.socket,
    ip: () => parts.readAddress(req),
  });
  return mapMaybe(gateway, (principal) => decideFor(parts, principal, asked, ids));
}

function decideFor(
  parts: AppParts,
  gateway: MasterKeyPrincipal | typeof ambiguous | undefined,
  asked: ProxyRequest,
  ids: RequestIds,
): MaybeLater<Outcome> {
  if (gateway === undefined || gateway === ambiguous) return 'GATEWAY_UNKNOWN';
  if (!gateway.permissions.includes('keys:verify')) return 'GATEWAY_FORBIDDEN';
  if (asked.key === undefined) return asked.isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS';
  const { requestId, traceId } = ids;
  const from = { endpoint: 'authz', requestId, traceId, masterKeyId: gateway.id } as const;
  return verifyKey(parts.verify, gateway, { ...asked.asked, key: asked.key, from });
}

function toWhole(parts: AppParts, url: string | undefined, outcome: Outcome, ids: RequestIds): WholeAnswer {
  const { requestId, traceId } = ids;
  if (typeof outcome === 'object' && outcome.valid)
    return allowAnswer(outcome, requestId, () => nowOf(parts));
  const limitedStatus = limitedStatusOf(url ?? '');
  const told = { requestId, traceId: traceId ?? undefined, nowMs: nowOf(parts) };
  const refusal = toRefusalAnswer(outcome, { ...told, limitedStatus });
  if (refusal.status === 503) {
    const seen = { route: authorizePath, status: 503, request_id: requestId, trace_id: told.traceId };
    parts.log.info(seen, 'request');
  }
  return refusalAnswer(refusal, paceFor(parts, outcome));
}

/** The database clock, like the limiter; the local one may be minutes off. */
function nowOf({ verify }: AppParts): number {
  return verify.clock.nowMs();
}
