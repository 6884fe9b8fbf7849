/**
 * Keeps this process awake while it waits for answers. A load generator that sleeps has to be woken
 * by the server's own writes, which in a virtual machine costs the server several microseconds for
 * each answer; a client on another machine costs it nothing of the kind. Only where the stores have
 * nothing to do: they share the core.
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
