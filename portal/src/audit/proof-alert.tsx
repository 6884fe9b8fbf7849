import { Alert, Code } from '@mantine/core';
import type { paths } from '../api/schema.d.ts';

type Proof = paths['/api/v1/platform/audit/verify']['get']['responses'][200]['content']['application/json'];

/** Result of the verification of the hash chain. */
export function ProofAlert({ proof }: { proof: Proof }) {
  const { valid, events, unsealed, first_fault: fault, head } = proof;
  if (!valid) {
    return (
      <Alert color="red" title="The audit log is not as it was sealed" role="alert">
        First fault: {fault?.kind} at {fault?.event_id ?? `number ${fault?.seq}`}.
      </Alert>
    );
  }
  return (
    <Alert variant="default" title="The audit log is as it was sealed" role="status">
      {events} events verified, {unsealed} wait for their seal.{' '}
      {head !== null && (
        <>
          Keep the head elsewhere to compare with later: <Code>{`${head.seq} ${head.hash}`}</Code>
        </>
      )}
    </Alert>
  );
}
