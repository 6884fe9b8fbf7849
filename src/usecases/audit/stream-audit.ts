import { randomUUID } from 'node:crypto';
import type { AuditStream } from '../../audit-streams/audit-stream.ts';
import { toStreamEnvelope } from '../../domain/events/envelope.ts';
import { holdStream, moveStream, releaseStream } from '../../stores/postgres/audit/streams.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listEvents } from '../events/list-events.ts';

const eventsPerSend = 500;

export type StreamParts = {
  db: Database;
  auditStreams: readonly AuditStream[];
  /** A receiver is away. Its events wait in the log. */
  onStreamFault: (stream: AuditStream['name'], error: unknown) => void;
};

/**
 * Sends the sealed audit events to each stream, in their order and at least once. The place is
 * noted after the receiver has the events, so a worker that is killed between the two sends a group
 * again. Streams do not wait for each other. Returns the number of events sent.
 */
export async function streamAudit(parts: StreamParts): Promise<number> {
  const sent = await Promise.all(parts.auditStreams.map((stream) => sendAll(parts, stream)));
  return sent.reduce((sum, count) => sum + count, 0);
}

async function sendAll({ db, onStreamFault }: StreamParts, stream: AuditStream): Promise<number> {
  const holder = randomUUID();
  let sent = 0;
  try {
    for (;;) {
      const seq = await holdStream(db, stream.name, holder);
      if (seq === undefined) return sent;
      const { events, next, isEnd } = await listEvents({ db }, { seq, eventId: '' }, {}, eventsPerSend);
      if (events.length > 0) await stream.send(events.map(({ event }) => toStreamEnvelope(event)));
      if (!(await moveStream(db, stream.name, holder, next.seq))) return sent;
      sent += events.length;
      if (isEnd) return sent;
    }
  } catch (error) {
    onStreamFault(stream.name, error);
    return sent;
  } finally {
    await releaseStream(db, stream.name, holder);
  }
}
