import { Code } from '@mantine/core';
import { useState } from 'react';

/** The whole event, on demand. */
export function EventJson({ event }: { event: object }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>JSON</summary>
      {isOpen && (
        <Code block tabIndex={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {JSON.stringify(event, null, 2)}
        </Code>
      )}
    </details>
  );
}
