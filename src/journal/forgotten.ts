import type { AppliedChange, KeyChange } from '../domain/key-change.ts';
import { toKeyStop } from '../domain/key-stop.ts';
import type { JournalStore } from './journal-store.ts';

export type JournalFindings = {
  changes: KeyChange[];
  userIds: string[];
  roleIds: string[];
  lastSeq: number;
  /** Whether the journal knows what the database has forgotten, or has otherwise. */
  contradicts: boolean;
  /** Files and objects in which changes may be missing. */
  damaged: string[];
  files: number;
};

/**
 * What the journals say about the present history, and about those that the database does not know.
 * All stops, and for keys, master keys and organizations the newest entry: the database compares
 * revisions itself. `firstOther`: the first place of the feed at which the database has another
 * change; it went on after it had gone back.
 */
export async function findForgotten(
  stores: readonly JournalStore[],
  { historyId, lastSeq, timeline }: { historyId: string; lastSeq: number; timeline: number },
  histories: readonly string[],
  findFirstOther: (changes: readonly AppliedChange[]) => Promise<number | undefined>,
): Promise<JournalFindings> {
  const tails = (await Promise.all(stores.map((store) => store.readTails({ historyId, lastSeq })))).flat();
  const present = tails.filter((tail) => tail.historyId === historyId);
  const firstOther = (await findFirstOther(present.flatMap(({ changes }) => changes))) ?? lastSeq + 1;
  const unknown = tails.map((tail) => tail.historyId).filter((id) => !histories.includes(id));
  const newest = new Map<string, AppliedChange>();
  const operators = new Set<string>();
  let endSeq = lastSeq;
  const note = (change: AppliedChange, isForgotten: boolean) => {
    endSeq = Math.max(endSeq, change.seq);
    const name = nameOf(change);
    if (change.kind === 'platform_user' || change.kind === 'role') {
      if (isForgotten) operators.add(name);
    } else if (change.revision >= (newest.get(name)?.revision ?? 0)) newest.set(name, change);
  };
  const damaged: string[] = [];
  for (const store of stores) {
    const names = await store.readChanges(new Set([historyId, ...unknown]), (change, head) =>
      note(change, head.historyId !== historyId || change.seq >= firstOther),
    );
    damaged.push(...names);
  }
  return {
    changes: [...newest.values()],
    userIds: idsOf(operators, 'platform_user'),
    roleIds: idsOf(operators, 'role'),
    lastSeq: endSeq,
    contradicts:
      unknown.length > 0 || firstOther <= lastSeq || present.some((tail) => timeline < tail.timeline),
    damaged,
    files: tails.length,
  };
}

/** Of stops none replaces another: each covers other keys. */
function nameOf(change: AppliedChange): string {
  const { kind, subjectId, revision, status } = change;
  const thing = `${kind} ${subjectId}`;
  return toKeyStop(change) === undefined ? thing : `${thing} ${revision} ${status}`;
}

function idsOf(names: ReadonlySet<string>, kind: string): string[] {
  return [...names].flatMap((name) => (name.startsWith(`${kind} `) ? [name.slice(kind.length + 1)] : []));
}
