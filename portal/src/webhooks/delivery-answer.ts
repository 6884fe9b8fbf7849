import type { DeliveryAnswer } from './use-webhooks.ts';

const faults: Record<NonNullable<DeliveryAnswer['fault']>, string> = {
  address_refused: 'Its address is not allowed',
  name_not_found: 'Its name was not found',
  connect_failed: 'It could not be reached',
  tls_failed: 'Its certificate was not accepted',
  connection_lost: 'It closed the connection',
  timed_out: 'It did not answer within 10 seconds',
  invalid_answer: 'Its answer was not HTTP',
};

/** Answer of the endpoint to one attempt, in words, with its duration. */
export function answerText({ status, fault, duration_ms }: DeliveryAnswer): string {
  const said = status === null ? faults[fault ?? 'invalid_answer'] : `Status ${status}`;
  return `${said}, ${duration_ms} ms`;
}
