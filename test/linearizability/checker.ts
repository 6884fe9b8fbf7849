/** One thing that a client did, on the one monotonic clock of the process that recorded it. */
export type Operation<Action> = {
  action: Action;
  call: number;
  /**
   * Changes that are called after this come after it. Infinity: no answer, so it happened at any
   * time since, or never.
   */
  returned: number;
  /** Verifications that are called after this come after it; never before `returned`. */
  settled: number;
};

export type Model<State, Action> = {
  initial: State;
  /**
   * The state afterwards; the same object when nothing changes; undefined when this outcome is
   * impossible in this state.
   */
  step(state: State, action: Action): State | undefined;
  isVerification(action: Action): boolean;
  nameOf(state: State): string;
};

/**
 * The furthest that any order of the history leads, and the first operation that fits nowhere
 * behind it.
 */
export type Contradiction<State, Action> = { state: State; misfit: Operation<Action> };

/**
 * A beginning of an order: of the answered operations all before `first` and those `ahead`, of each
 * kind of unanswered ones so many.
 */
type Beginning<State> = {
  first: number;
  ahead: Set<number>;
  guessed: number[];
  placed: number;
  state: State;
};

/**
 * Summary of a history: the answered operations by their call, and the calls of unanswered ones by
 * kind.
 */
type Sorted<Action> = { answered: Operation<Action>[]; unanswered: { action: Action; calls: number[] }[] };

/**
 * Wing and Gong's search with Lowe's memory: is there one order of all operations, agreeing with
 * who returned before whom was called, in which the model gives every outcome? Undefined when there
 * is. A verification that fits is placed at once: it changes nothing, so an order that places it
 * later can place it here. Only changes are tried both ways.
 */
export function findContradiction<State, Action>(
  history: readonly Operation<Action>[],
  model: Model<State, Action>,
): Contradiction<State, Action> | undefined {
  const sorted = sort(history);
  const { answered, unanswered } = sorted;
  const guessed = unanswered.map(() => 0);
  const start = { first: 0, ahead: new Set<number>(), guessed, placed: 0, state: model.initial };
  const beginnings: Beginning<State>[] = [start];
  const visited = new Map<string, number[][]>();
  let furthest: Beginning<State> = start;
  for (let at = beginnings.pop(); at !== undefined; at = beginnings.pop()) {
    placeVerifications(answered, model, at);
    if (at.first === answered.length) return undefined;
    const name = [at.first, ...[...at.ahead].sort(), model.nameOf(at.state)].join();
    const before = visited.get(name) ?? [];
    // A state with fewer guesses allows everything that this one does.
    if (before.some((fewer) => fewer.every((count, kind) => count <= (at.guessed[kind] ?? 0)))) continue;
    visited.set(name, [...before, at.guessed]);
    if (at.placed > furthest.placed) furthest = at;
    beginnings.push(...continuations(sorted, model, at));
  }
  const left = answered.filter((_, index) => index >= furthest.first && !furthest.ahead.has(index));
  const misfit = left.reduce((one, other) => (other.returned < one.returned ? other : one));
  return { state: furthest.state, misfit };
}

function sort<Action>(history: readonly Operation<Action>[]): Sorted<Action> {
  const byCall = history.toSorted((one, other) => one.call - other.call);
  const unanswered = new Map<string, { action: Action; calls: number[] }>();
  for (const { action, call } of byCall.filter(({ returned }) => returned === Infinity)) {
    const kind = JSON.stringify(action);
    unanswered.set(kind, { action, calls: [...(unanswered.get(kind)?.calls ?? []), call] });
  }
  const answered = byCall.filter(({ returned }) => returned < Infinity);
  return { answered, unanswered: [...unanswered.values()] };
}

/** Each change that may come next; the likeliest, the one that was answered first, at the end. */
function continuations<State, Action>(
  { answered, unanswered }: Sorted<Action>,
  model: Model<State, Action>,
  at: Beginning<State>,
): Beginning<State>[] {
  const { indexes, returned } = openOperations(answered, at);
  const guesses = unanswered.flatMap(({ action, calls }, kind) => {
    const count = at.guessed[kind] ?? 0;
    const state = (calls[count] ?? Infinity) > returned ? undefined : model.step(at.state, action);
    if (state === undefined || state === at.state) return [];
    return [{ ...at, ahead: new Set(at.ahead), guessed: at.guessed.with(kind, count + 1), state }];
  });
  const certain = indexes
    .map((index) => ({ index, operation: answered[index] as Operation<Action> }))
    .filter(({ operation }) => operation.call <= returned && !model.isVerification(operation.action))
    .sort((one, other) => other.operation.returned - one.operation.returned)
    .flatMap(({ index, operation }) => {
      const state = model.step(at.state, operation.action);
      return state === undefined ? [] : [place(answered, { ...at, ahead: new Set(at.ahead), state }, index)];
    });
  return [...guesses, ...certain];
}

function placeVerifications<State, Action>(
  answered: Operation<Action>[],
  model: Model<State, Action>,
  at: Beginning<State>,
): void {
  for (let isPlacing = true; isPlacing; ) {
    const { indexes, settled } = openOperations(answered, at);
    const fitting = indexes.filter((index) => {
      const { call, action } = answered[index] as Operation<Action>;
      return call <= settled && model.isVerification(action) && model.step(at.state, action) !== undefined;
    });
    for (const index of fitting) place(answered, at, index);
    isPlacing = fitting.length > 0;
  }
}

/** Remaining operations that may come next: none called after `returned` and `settled` can. */
function openOperations<State, Action>(answered: Operation<Action>[], at: Beginning<State>) {
  const indexes: number[] = [];
  let returned = Infinity;
  let settled = Infinity;
  for (let index = at.first; index < answered.length; index++) {
    const operation = answered[index] as Operation<Action>;
    if (operation.call > returned && operation.call > settled) break;
    if (at.ahead.has(index)) continue;
    indexes.push(index);
    returned = Math.min(returned, operation.returned);
    settled = Math.min(settled, operation.settled);
  }
  return { indexes, returned, settled };
}

function place<State, Action>(answered: Operation<Action>[], at: Beginning<State>, index: number) {
  at.ahead.add(index);
  at.placed += 1;
  while (at.first < answered.length && at.ahead.delete(at.first)) at.first += 1;
  return at;
}
