import { FlowplateError, validationError } from '../../domain/errors.ts';
import { externalIdPattern } from '../../domain/ids.ts';
import { reasonFault } from '../../domain/impersonation-reason.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { Caller, OrganizationPrincipal, PlatformPrincipal } from '../../domain/principal.ts';
import { redact } from '../../domain/redact.ts';
import type { HttpExchange } from '../exchange.ts';

export type ImpersonationParts = {
  /**
   * Checks that the organization exists, and audits the impersonation. A request that cannot be
   * audited is refused.
   */
  enterOrganization(
    caller: Caller<PlatformPrincipal>,
    request: { organizationId: string; reason: string | null; method: string; path: string },
  ): Promise<void>;
};

export const impersonationHeaders = {
  organization: 'X-Flowplate-Org',
  reason: 'X-Flowplate-Reason',
} as const;

/** Whether the caller asks to act inside an organization, well-formed or not. */
export function namesOrganization({ req }: Pick<HttpExchange, 'req'>): boolean {
  const [organizations = []] = pickHeaders(req.rawHeaders, ['x-flowplate-org']);
  return organizations.length > 0;
}

const readingMethods: readonly (string | undefined)[] = ['GET', 'HEAD'];

/**
 * The operator inside the organization that `X-Flowplate-Org` names; undefined without that header.
 * Reads need `platform:impersonate:read`, all else `platform:impersonate`, which includes reads.
 */
export async function impersonated(
  parts: ImpersonationParts,
  operator: PlatformPrincipal,
  { req, requestId, ip }: HttpExchange,
): Promise<OrganizationPrincipal | undefined> {
  const [organizations = [], reasons = []] = pickHeaders(req.rawHeaders, [
    'x-flowplate-org',
    'x-flowplate-reason',
  ]);
  if (organizations.length === 0) return undefined;
  const organizationId = readOrganization(organizations);
  requireImpersonation(operator, readingMethods.includes(req.method));
  const request = {
    organizationId,
    reason: readReason(reasons),
    method: req.method ?? '',
    path: pathOf(req.url ?? ''),
  };
  await parts.enterOrganization({ principal: operator, requestId, address: ip() }, request);
  return {
    kind: operator.kind,
    id: operator.id,
    name: operator.name,
    organizationId,
    impersonator: operator,
  };
}

function readOrganization([first = '', second]: readonly string[]): string {
  if (second === undefined && externalIdPattern.test(first)) return first;
  throw refused('organization', 'must be one organization id');
}

function requireImpersonation({ permissions }: PlatformPrincipal, isReading: boolean): void {
  if (permissions.includes('platform:impersonate')) return;
  if (isReading && permissions.includes('platform:impersonate:read')) return;
  const needed = isReading ? 'platform:impersonate:read' : 'platform:impersonate';
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: `This operator does not hold ${needed}`,
    details: { required_permission: needed },
  });
}

/** Node passes header bytes as Latin-1. */
function readReason([first = '', second]: readonly string[]): string | null {
  if (second !== undefined) throw refused('reason', 'must be sent once');
  const reason = decodeUtf8(first);
  if (reason === undefined) throw refused('reason', 'must be UTF-8');
  const fault = reasonFault(reason);
  if (fault !== undefined) throw refused('reason', fault);
  return reason === '' ? null : redact(reason);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(latin1: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return undefined;
  }
}

function refused(header: keyof typeof impersonationHeaders, message: string): FlowplateError {
  return validationError([{ path: impersonationHeaders[header], message }]);
}

/** Drops the query, which may hold a search text, and redacts a secret in the place of an id. */
function pathOf(url: string): string {
  return redact(url.split('?', 1)[0] ?? '').slice(0, 200);
}
