import type { z } from 'zod';
import { type MaybeLater, mapMaybe } from '../concurrency/maybe-later.ts';
import { type ErrorCode, FlowplateError } from '../domain/errors.ts';
import type { Explanation } from '../domain/explanation.ts';
import type { Verdict } from '../domain/verdict.ts';
import type { Answer } from '../http/send-answer.ts';
import { verifyBatchBody, verifyBody, verifyKeyPath } from '../http/verify/verdict-schemas.ts';
import { FlowplateApiError, FlowplateUndecidedError } from '../sdk/errors.ts';
import type { TraceHeaders } from '../sdk/trace-headers.ts';
import type { Endpoint } from './answer-meter.ts';
import type { GateParts } from './gate-parts.ts';
import { sourceOfAsked, type VerdictSource, verdictSources } from './verdict-source.ts';

/** `note` is told where each verdict came from. */
export type JsonRequest = {
  requestId: string;
  readTrace: () => TraceHeaders | undefined;
  note: (source: VerdictSource) => void;
};

/** A JSON endpoint, with the schema of the API's own. */
export type JsonEndpoint<Body extends z.ZodType = z.ZodType> = {
  path: string;
  name: Endpoint;
  body: Body;
  answer(parts: GateParts, body: z.output<Body>, request: JsonRequest): MaybeLater<Answer<z.ZodUnknown>>;
};

type Item = z.output<typeof verifyBody>;

const verify: JsonEndpoint<typeof verifyBody> = {
  path: verifyKeyPath,
  name: 'verify',
  body: verifyBody,
  answer: (parts, body, request) =>
    mapMaybe(verdictOf(parts, body, request, 'verify'), (verdict) => ({
      status: 200,
      body: verdict,
      ...(verdict.code === 'NOT_FOUND' && { pace: parts.unknownKeyPace }),
    })),
};

const batch: JsonEndpoint<typeof verifyBatchBody> = {
  path: '/v1/flowplate/api-keys/verify/batch',
  name: 'batch',
  body: verifyBatchBody,
  async answer(parts, { keys }, request) {
    const results = new Map<Item, Verdict | Explanation>();
    const ask = (items: Item[]) =>
      Promise.all(
        items.map(async (item) => void results.set(item, await verdictOf(parts, item, request, 'batch'))),
      );
    // The broker refuses them all without `keys:explain`: before any of the others spends.
    await ask(keys.filter(({ explain }) => explain));
    await ask(keys.filter(({ explain }) => !explain));
    return { status: 200, body: { results: keys.map((item) => results.get(item)) } };
  },
};

export const jsonEndpoints: readonly JsonEndpoint[] = [verify, batch] as unknown as readonly JsonEndpoint[];

/** From memory, or from the broker, which also explains. Rejects with a `FlowplateError`. */
function verdictOf(
  parts: GateParts,
  { explain, ...request }: Item,
  { requestId, readTrace, note }: JsonRequest,
  endpoint: Endpoint,
): MaybeLater<Verdict | Explanation> {
  if (explain) return parts.client.explainVerification(request).catch(rethrow);
  const count = (verdict: Verdict, source: VerdictSource) => {
    parts.meter.count(endpoint, source, verdict.code);
    note(source);
    return verdict;
  };
  const tellId = () => requestId;
  const remembered = parts.verifier.verifyNow(request, tellId);
  if (remembered !== undefined) return count(remembered, 'memory');
  const asked = parts.verifier.verify(request, { requestId: tellId, trace: readTrace() });
  return asked.then((verdict) => count(verdict, sourceOfAsked(verdict)), rethrow);
}

/** The source of a whole batch: the slowest of its verdicts. */
export function slowest(one: VerdictSource, other: VerdictSource): VerdictSource {
  return verdictSources.indexOf(one) < verdictSources.indexOf(other) ? other : one;
}

/** Refusals of the broker that are the caller's own, since its master key is this process's. */
const passedOn: readonly (ErrorCode | 'UNEXPECTED_ANSWER')[] = [
  'AUTHENTICATION_REQUIRED',
  'INSUFFICIENT_PERMISSIONS',
];

function rethrow(thrown: unknown): never {
  const cause = thrown instanceof FlowplateUndecidedError ? thrown.cause : thrown;
  if (!(cause instanceof FlowplateApiError) || !passedOn.includes(cause.code)) {
    throw new FlowplateError('DEPENDENCY_UNAVAILABLE', { cause, retryAfterSeconds: 1 });
  }
  const { code, details, message } = cause;
  const systemMessage = message.slice(`${code}: `.length);
  throw new FlowplateError(code as ErrorCode, { cause, details, systemMessage });
}
