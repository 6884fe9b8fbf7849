type End = () => Promise<unknown> | unknown;

const ends: End[] = [];

/** Remembers how to end what this test file has started. Each file has this list to itself. */
export function atEnd(end: End): void {
  ends.push(end);
}

/** For `afterAll`: ends everything, last started first, each even when another would not end. */
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
