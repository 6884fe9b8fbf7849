import type { Accepted } from './verdict.ts';

/**
 * Headers that tell an end client of its key's successor: `Deprecation` (RFC 9745), since when
 * there is one, and `Sunset` (RFC 8594), when this key stops. Empty for every other key.
 */
export function deprecationHeaders(verdict: Accepted): Record<string, string> {
  if (verdict.code !== 'SUPERSEDED') return {};
  const sinceMs = Date.parse(verdict.superseded_at ?? '');
  const endMs = Date.parse(verdict.expires_at ?? '');
  return {
    ...(Number.isFinite(sinceMs) && { Deprecation: `@${Math.floor(sinceMs / 1_000)}` }),
    ...(Number.isFinite(endMs) && { Sunset: new Date(endMs).toUTCString() }),
  };
}
