import { useEffect, useSyncExternalStore } from 'react';

/**
 * Filled forms that were not sent, and secrets that are shown once. Module state, because the query
 * client needs it too.
 */
const unsaved = new Set<symbol>();
const listeners = new Set<() => void>();

export function areFormsUnsaved(): boolean {
  return unsaved.size > 0;
}

/** Whether a filled form is open anywhere in the page. */
export function useUnsavedForms(): boolean {
  return useSyncExternalStore(subscribe, areFormsUnsaved);
}

/** Registers a filled form while it is mounted. The browser asks before it leaves the page. */
export function useUnsavedForm(isFilled: boolean): void {
  useEffect(() => {
    if (!isFilled) return;
    const form = Symbol('form');
    unsaved.add(form);
    notify();
    window.addEventListener('beforeunload', askFirst);
    return () => {
      unsaved.delete(form);
      notify();
      window.removeEventListener('beforeunload', askFirst);
    };
  }, [isFilled]);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(): void {
  for (const listener of listeners) listener();
}

/** https://developer.mozilla.org/en-US/docs/Web/API/Window/beforeunload_event */
function askFirst(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
