import { Badge } from '@mantine/core';
import type { AuditEvent } from './use-audit.ts';

export function ResultBadge({ result }: Pick<AuditEvent, 'result'>) {
  const isRefused = result === 'refused';
  return (
    <Badge variant="dot" color={isRefused ? 'red' : 'green'}>
      {isRefused ? 'Refused' : 'Success'}
    </Badge>
  );
}
