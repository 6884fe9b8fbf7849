import { SavedUses } from './saved-uses.ts';

/** Saves the time of last use of each id. */
type SaveUses = (uses: ReadonlyMap<string, number>) => Promise<void>;

/** Time of last use of each master key. A login writes nothing. */
export class LastUses extends SavedUses<number> {
  constructor(save: SaveUses, onFault: (error: unknown) => void) {
    super({ save, onFault, merge: (_, laterMs) => laterMs });
  }

  note(id: string, nowMs: number): void {
    this.add(id, nowMs);
  }
}
