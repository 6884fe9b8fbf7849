import { sealAudit } from '../src/usecases/audit/seal-audit.ts';
import { defineJob } from './job.ts';

/** Doubled, the second run finds the lock taken or the queue empty. */
export const sealAuditJob = defineJob({ name: 'seal-audit', run: (parts) => sealAudit(parts) });
