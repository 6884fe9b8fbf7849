import { randomUUID } from 'node:crypto';
import { idPrefixes } from '../domain/ids.ts';
import { isSafeRequestId } from '../domain/request-id.ts';

/**
 * The id of a request: its own if that is safe, else a new one. Made when it is first asked for,
 * and then the same: few requests need it.
 */
export function requestIdReader(sent: string | undefined): () => string {
  let id: string | undefined;
  return () => {
    id ??= isSafeRequestId(sent) ? sent : newRequestId();
    return id;
  };
}

export function newRequestId(): string {
  return idPrefixes.request + randomUUID().replaceAll('-', '');
}
