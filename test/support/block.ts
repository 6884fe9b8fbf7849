/** Keeps the event loop from turning, as a long garbage collection does. */
export function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** The same at the place where it hurts: between the reading of sockets and the timers. */
export function blockBeforeTimers(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      block(ms);
      resolve();
    });
  });
}
