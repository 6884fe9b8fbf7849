/** Sends JSON to an operation such as `POST /v1/…`, and returns the answer. */
// biome-ignore lint/suspicious/noExplicitAny: each call reads its own members of the answer
export type Caller = (operation: string, body?: unknown) => Promise<any>;

/** A caller with one credential. Rejects for anything but a success, and after `timeoutMs`. */
export function caller(baseUrl: string, credential: Record<string, string>, timeoutMs?: number): Caller {
  return async (operation, body) => {
    const [method = '', path = ''] = operation.split(' ');
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { ...credential, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(timeoutMs !== undefined && { signal: AbortSignal.timeout(timeoutMs) }),
    });
    if (!response.ok) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}
