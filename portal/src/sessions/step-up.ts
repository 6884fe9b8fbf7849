import { useSyncExternalStore } from 'react';

/**
 * A step-up that waits for the operator. Module state, because the API's client asks for it: a
 * refused request is repeated once the operator has confirmed that it is they.
 */
type Waiting = { answer: Promise<boolean>; settle: (isConfirmed: boolean) => void };

let waiting: Waiting | undefined;
const listeners = new Set<() => void>();

/** Opens the dialog; requests at the same time share it. False when the operator has cancelled. */
export function askForStepUp(): Promise<boolean> {
  if (waiting === undefined) {
    let settle: Waiting['settle'] = () => undefined;
    const answer = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    waiting = { answer, settle };
    notify();
  }
  return waiting.answer;
}

export function settleStepUp(isConfirmed: boolean): void {
  waiting?.settle(isConfirmed);
  waiting = undefined;
  notify();
}

export function useIsStepUpAsked(): boolean {
  return useSyncExternalStore(subscribe, () => waiting !== undefined);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(): void {
  for (const listener of listeners) listener();
}
