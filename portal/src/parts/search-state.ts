import { useSearchParams } from 'react-router';

/**
 * Filters and sorting as query parameters of the address, so that a view can be linked. Never with
 * secrets. An update starts from `window.location` and not from the last rendering: react-router
 * does not queue updates, and would lose the first of two.
 */
export function useSearchState(): [
  read: (name: string) => string,
  write: (changes: Record<string, string>) => void,
] {
  const [parameters, setParameters] = useSearchParams();
  const write = (changes: Record<string, string>) =>
    setParameters(
      () => {
        const after = new URLSearchParams(window.location.search);
        for (const [name, value] of Object.entries(changes)) {
          if (value === '') after.delete(name);
          else after.set(name, withoutSecrets(value));
        }
        return after;
      },
      // Typing replaces the history entry; turning a page and opening a dialog add one.
      {
        replace:
          !('cursor' in changes && Object.keys(changes).length === 1) &&
          !dialogs.some((name) => changes[name]),
      },
    );
  return [(name) => parameters.get(name) ?? '', write];
}

/** Query parameters of open dialogs. */
const dialogs = ['key', 'tenant', 'webhook'];

const wholeSecret =
  /\b(fl_(?:user|master)_[a-z0-9]{1,16}|flkey|flplatform|flapi)_([0-9A-Za-z]{8})[0-9A-Za-z]{9,}/g;

/** Reduces a pasted key to its public part, which finds it too and may be in an address. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(wholeSecret, '$1_$2');
}
