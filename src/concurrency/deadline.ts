/** Timers that fire less late than this are punctual. */
const lateMsMin = 10;

/**
 * A time-out that a late event loop does not bring forward: it fires only after the loop has polled
 * its sockets since the time was up. Node runs timers before it reads sockets. After a pause of the
 * process a plain timer would fire although the awaited answer is already in the socket's buffer.
 *
 * The loop's order is timers, poll, check; `setImmediate` runs in check. A machine that kept this
 * process waiting may keep the other one waiting too: a late timer waits as long again as it was
 * late, once, for `ms` at most. Returns what cancels it.
 */
export function startDeadline(ms: number, onLate: () => void): () => void {
  const dueMs = performance.now() + ms;
  let immediate: NodeJS.Immediate | undefined;
  const fire = () => {
    immediate = setImmediate(onLate);
  };
  let timer = setTimeout(() => {
    const lateMs = performance.now() - dueMs;
    if (lateMs < lateMsMin) fire();
    else timer = setTimeout(fire, Math.min(lateMs, ms));
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}

/** The result of `work`, or a rejection with `late()` at the deadline. The work itself goes on. */
export function inTime<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = startDeadline(ms, () => reject(late()));
    work.then(
      (result) => {
        cancel();
        resolve(result);
      },
      (error) => {
        cancel();
        reject(error);
      },
    );
  });
}
