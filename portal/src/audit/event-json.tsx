import { Code } from '@mantine/core';
import type { AuditEvent } from './use-audit.ts';

/** The whole event, on demand. */
export function EventJson({ event }: { event: AuditEvent }) {
  return (
    <details className="event-json">
      <summary aria-label={`JSON of ${event.event_type}`}>JSON</summary>
      <Code block tabIndex={0}>
        {JSON.stringify(event, null, 2)}
      </Code>
    </details>
  );
}
