import { addCounts, type UsageMark } from './usage.ts';

const hourMs = 3_600_000;

/**
 * Usage of one line of keys within one hour with one outcome: one row of the table, its finest
 * resolution.
 */
export type UsageHour = Omit<UsageMark, 'minuteMs'> & { hourMs: number };

/**
 * Sums usage marks by line, hour and outcome. Thousands of marks become one database row each, so
 * the cost grows with the keys in use and not with the calls.
 */
export class UsageHours {
  /** A short list for each line: scanning it is cheaper than a composite map key. */
  readonly #byLineage = new Map<string, UsageHour[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(mark: UsageMark): void {
    const startMs = mark.minuteMs - (mark.minuteMs % hourMs);
    const hours = this.#hoursOf(mark.lineageId);
    const hour = hours.find((known) => known.hourMs === startMs && known.code === mark.code);
    if (hour === undefined) {
      const { minuteMs: _, ...sums } = mark;
      hours.push({ ...sums, hourMs: startMs });
      this.#size += 1;
      return;
    }
    hour.calls = addCounts(hour.calls, mark.calls);
    hour.cost = addCounts(hour.cost, mark.cost);
    hour.firstAtMs = Math.min(hour.firstAtMs, mark.firstAtMs);
    hour.lastAtMs = Math.max(hour.lastAtMs, mark.lastAtMs);
  }

  /** Sorted by line: neighbouring rows are written together. */
  sorted(): UsageHour[] {
    const lines = [...this.#byLineage].sort(([one], [other]) => (one < other ? -1 : 1));
    return lines.flatMap(([, hours]) => hours);
  }

  #hoursOf(lineageId: string): UsageHour[] {
    const known = this.#byLineage.get(lineageId);
    if (known !== undefined) return known;
    const hours: UsageHour[] = [];
    this.#byLineage.set(lineageId, hours);
    return hours;
  }
}

export function sumUp(marks: Iterable<UsageMark>): UsageHours {
  const hours = new UsageHours();
  for (const mark of marks) hours.add(mark);
  return hours;
}
