import { validationError } from './errors.ts';

/** An `expires_at` that has come already would make a credential that never works. */
export function requireFuture(end: Date | null | undefined, now: Date): void {
  if (end == null || end > now) return;
  throw validationError([{ path: 'expires_at', message: 'must lie in the future' }]);
}
