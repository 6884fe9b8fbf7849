import { createHash } from 'node:crypto';
import type { UsageFlush, UsageMark } from '../domain/usage.ts';
import type { Broker } from './broker.ts';
import { FlowplateApiError } from './errors.ts';

/** A mark is at most 200 bytes of JSON, a body 64 KiB. */
const marksPerReportMax = 250;

/** Answers that another try would get again: whatever is wrong with these counts, it must not hold up all later ones. */
const lostCauses: readonly number[] = [400, 413, 415, 422];

/**
 * Hands a flush to the broker, in parts if it is large. May be called twice with the same flush: its parts bear the same ids each
 * time, so that each counts once. Rejects as long as another try may bring it there.
 */
export async function deliverUsage(
  parts: { broker: Broker; verifierId: string | undefined; onFault: (error: unknown) => void },
  flush: UsageFlush,
): Promise<void> {
  const { broker, verifierId, onFault } = parts;
  if (verifierId === undefined) throw new Error('not registered yet');
  for (const { id, marks } of inParts(flush)) {
    await broker.reportUsage(verifierId, id, marks).catch((error: unknown) => {
      if (!(error instanceof FlowplateApiError) || !lostCauses.includes(error.status)) throw error;
      onFault(error);
    });
  }
}

export function inParts({ id, marks }: UsageFlush): UsageFlush[] {
  const parts: UsageFlush[] = [];
  for (let start = 0; start < marks.length; start += marksPerReportMax) {
    const some: UsageMark[] = marks.slice(start, start + marksPerReportMax);
    parts.push({ id: start === 0 ? id : derivedId(id, start), marks: some });
  }
  return parts;
}

/** A UUID of version 8 (RFC 9562 §5.8) that follows from the flush and the part. */
function derivedId(id: string, start: number): string {
  const hex = createHash('sha256').update(`${id} ${start}`).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}
