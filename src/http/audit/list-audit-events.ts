import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { listAuditEvents } from '../../usecases/audit/list-audit-events.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimitTo, toCursor } from '../cursor.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { auditEventAnswer, auditFilterFields, toAuditEventAnswer, toAuditFilter } from './audit-schemas.ts';

const path = '/api/v1/platform/audit';

export const listAuditEventsRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listAuditEvents',
  summary: 'Read the audit log',
  description:
    'Newest first. The next page is in the `Link` header and stays valid while events are added. Refused attempts of known callers are included.',
  access: platformCaller('platform:audit:read', 'confined'),
  params: noParams,
  query: z.strictObject({
    ...auditFilterFields,
    limit: pageLimitTo(numberRanges.auditPageSize.max),
    cursor: cursorOf('auditEvent').optional(),
  }),
  body: noBody,
  success: { 200: 'A page of events.' },
  answer: z.array(auditEventAnswer),
  errors: [],
  async handle(parts: Parameters<typeof listAuditEvents>[0], { query, caller }) {
    const { cursor, ...narrowed } = query;
    const { limit, ...filter } = narrowed;
    const page = { limit, before: cursor };
    const { items, next } = await listAuditEvents(parts, toAuditFilter(filter, caller.principal), page);
    return {
      status: 200,
      body: items.map(toAuditEventAnswer),
      ...nextPage(path, narrowed, next && toCursor(next)),
    };
  },
});
