import { useQuery } from '@tanstack/react-query';
import { answerTo, api } from '../api/client.ts';
import { isSessionOver } from '../api/fault.ts';
import { meKey } from '../query-client.ts';
import { insideOf, leave } from './inside.ts';
import type { Me } from './me.ts';

/**
 * The logged-in user; null without one. Only the server knows, because the page cannot read the
 * cookie.
 */
export function useMe() {
  return useQuery({ queryKey: meKey, queryFn: askWho, staleTime: 60_000 });
}

async function askWho(): Promise<Me | null> {
  try {
    const me = await answerTo(api.GET('/api/v1/platform/auth/me'));
    // Another operator had entered a tenant in this tab; their impersonation must not be used.
    if (insideOf(me.id) === undefined) leave();
    return me;
  } catch (error) {
    if (isSessionOver(error)) return null;
    throw error;
  }
}
