import { z } from 'zod';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { exportAuditEvents } from '../../usecases/audit/export-audit-events.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { auditEventAnswer, auditFilterFields, toAuditEventAnswer, toAuditFilter } from './audit-schemas.ts';

export const exportAuditEventsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/audit/export',
  operationId: 'exportAuditEvents',
  summary: 'Export the audit log',
  description:
    'All matching events, newest first, one JSON object per line. If the export fails, or the client reads nothing for a minute, the connection is closed without a proper end: such an answer is incomplete. A process runs two exports at once; more are refused with 503 `OVERLOADED`.',
  access: platformCaller('platform:audit:read', 'confined'),
  params: noParams,
  query: z.strictObject(auditFilterFields),
  body: noBody,
  success: { 200: 'The events, one per line.' },
  answer: auditEventAnswer,
  answerFormat: 'lines',
  errors: [],
  async handle(parts: Parameters<typeof exportAuditEvents>[0], { query, caller }) {
    return { lines: toLines(exportAuditEvents(parts, toAuditFilter(query, caller.principal))) };
  },
});

async function* toLines(pages: AsyncIterable<readonly AuditEvent[]>) {
  for await (const page of pages) yield page.map(toAuditEventAnswer);
}
