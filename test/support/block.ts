/** Blocks the event loop, as a long garbage collection does. */
export function block(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** Blocks at the worst moment: between the reading of sockets and the timers. */
export function blockBeforeTimers(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      block(ms);
      resolve();
    });
  });
}
