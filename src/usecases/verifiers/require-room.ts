import { FlowplateError } from '../../domain/errors.ts';

/** A lease is free again when a verifier returns it, or when it ends. */
const roomRetrySeconds = 15;

/** Throws `RATE_LIMITED` when a master key has its maximum of live leases. */
export function requireRoom(verifiers: readonly { isLive: boolean }[], verifiersMax: number): void {
  if (verifiers.filter(({ isLive }) => isLive).length < verifiersMax) return;
  throw new FlowplateError('RATE_LIMITED', {
    systemMessage: `This master key has its maximum of ${verifiersMax} verifiers with a lease (VERIFIERS_PER_MASTER_KEY_MAX)`,
    details: { limit: verifiersMax },
    retryAfterSeconds: roomRetrySeconds,
  });
}
