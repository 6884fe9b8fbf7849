import { addCounts, type UsageMark } from './usage.ts';

const hourMs = 3_600_000;

/**
 * What happened to one line of keys within one hour with one outcome: a row of the table, and the
 * finest that is kept.
 */
export type UsageHour = Omit<UsageMark, 'minuteMs'> & { hourMs: number };

/**
 * Sums of marks by line, hour and outcome. Thousands of marks of a busy moment become one row each
 * for the database, so the cost of counting grows with the keys in use and not with the calls.
 */
export class UsageHours {
  /**
   * Few hours and outcomes for each line: looking through them is cheaper than a longer name for
   * each.
   */
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

  /** In the order of the lines: neighbours in the table are written together. */
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
