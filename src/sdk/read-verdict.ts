import type { LimitState, Verdict } from '../domain/verdict.ts';
import { FlowplateApiError } from './errors.ts';

/**
 * Parses the verdict of an answer. A 200 from another service, such as a captive portal, must not
 * admit a request: `UNEXPECTED_ANSWER`. Unknown codes and members pass.
 */
export function readVerdict(body: unknown): Verdict {
  if (isVerdict(body)) return body;
  throw noVerdict();
}

/** One for each request, in their order: with one fewer, each caller would get another one's. */
export function readVerdicts(body: unknown, count: number): Verdict[] {
  const results = isObject(body) ? body.results : undefined;
  if (!Array.isArray(results) || results.length !== count) throw noVerdict();
  return results.map(readVerdict);
}

function noVerdict(): FlowplateApiError {
  return new FlowplateApiError({
    code: 'UNEXPECTED_ANSWER',
    status: 200,
    message: 'the answer is no verdict',
    traceId: undefined,
    details: {},
    retryAfterSeconds: undefined,
  });
}

const identity = ['key_id', 'user_id', 'organization_id', 'environment'] as const;

function isVerdict(body: unknown): body is Verdict {
  if (!isObject(body) || typeof body.code !== 'string') return false;
  if (!isLimit(body.rate_limit) || !isLimit(body.quota)) return false;
  if (body.valid === false) return true;
  return body.valid === true && identity.every((name) => isHeaderText(body[name])) && isScopes(body.scopes);
}

function isScopes(scopes: unknown): boolean {
  return Array.isArray(scopes) && scopes.every(isHeaderText);
}

/** Gateways put it into headers as it is. */
function isHeaderText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]{0,256}$/.test(value);
}

function isLimit(limit: unknown): limit is LimitState | undefined {
  if (limit === undefined) return true;
  if (!isObject(limit) || !Number.isFinite(limit.limit)) return false;
  const { remaining, reset_at: resetAt } = limit;
  const isCount = remaining === null || Number.isFinite(remaining);
  return isCount && (resetAt === null || (typeof resetAt === 'string' && !Number.isNaN(Date.parse(resetAt))));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
