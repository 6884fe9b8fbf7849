/**
 * Busy-waits for answers. A sleeping load generator must be woken by the server's writes, which
 * costs the server microseconds per answer in a virtual machine; a remote client costs nothing.
 * Only where the stores are idle, since they share the core.
 */
export async function polling<T>(polls: boolean, run: () => Promise<T>): Promise<T> {
  let isAwake = polls;
  const stayAwake = () => {
    if (isAwake) setImmediate(stayAwake);
  };
  stayAwake();
  try {
    return await run();
  } finally {
    isAwake = false;
  }
}
