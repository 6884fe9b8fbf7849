type End = () => Promise<unknown> | unknown;

const ends: End[] = [];

/** Registers a clean-up of this test file. */
export function atEnd(end: End): void {
  ends.push(end);
}

/** For `afterAll`: runs the clean-ups last-in first-out, each even when another fails. */
export async function endAll(): Promise<void> {
  const faults: unknown[] = [];
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    try {
      await end();
    } catch (fault) {
      faults.push(fault);
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, 'not everything ended');
}
