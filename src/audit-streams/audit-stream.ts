import type { EventEnvelope } from '../domain/events/envelope.ts';

/** A receiver of the audit log outside of the broker. */
export type AuditStream = {
  /** Under this name its place is kept: at most one of a kind. */
  name: 'syslog' | 'file';
  /** Resolves when the receiver has all of these events, in their order. */
  send(events: readonly EventEnvelope[]): Promise<void>;
};
