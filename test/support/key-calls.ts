import { randomUUID } from 'node:crypto';
import type { Answer, Call } from './call.ts';

/** Key calls of a backend, each expecting success. */
export type KeyCalls = ReturnType<typeof keyCalls>;

export type Minted = { key: string; keyId: string; userId: string };

export const organization = 'acme';

export function keyCalls(call: Call) {
  const succeed = async (operation: string, body?: unknown) => {
    const answer = await call(operation, body === undefined ? {} : { body });
    if (answer.status >= 300)
      throw new Error(`${operation}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const verify = (key: string, asked: Record<string, unknown> = {}): Promise<Answer> =>
    call('POST /v1/flowplate/api-keys/verify', { body: { key, ...asked } });
  return {
    mint: async (options: Record<string, unknown> = {}): Promise<Minted> => {
      const userId = `user-${randomUUID()}`;
      const body = { user_id: userId, organization_id: organization, ...options };
      const minted = await succeed('POST /v1/flowplate/api-keys', body);
      return { key: minted.key, keyId: minted.key_id, userId };
    },
    refresh: (userId: string) => succeed(`POST /v1/flowplate/api-keys/${userId}/${organization}/refresh`, {}),
    revoke: (userId: string) => succeed(`DELETE /v1/flowplate/api-keys/${userId}/${organization}`),
    show: (keyId: string) => succeed(`GET /v1/flowplate/api-keys/${keyId}`),
    verify,
    codeOf: async (key: string): Promise<string> => (await verify(key)).body.code,
  };
}
