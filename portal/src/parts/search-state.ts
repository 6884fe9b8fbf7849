import { useSearchParams } from 'react-router';

/**
 * Filters and sorting as search parameters of the page's address, so that a view can be linked to.
 * Secrets never stand there.
 *
 * A change starts from `window.location`, and not from the last rendering: react-router does not
 * queue updates, and of two within one rendering the first would be lost.
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
      // What is typed replaces; a page that was turned and a dialog that was opened can be gone
      // back from. One that was closed is not opened again by it.
      {
        replace:
          !('cursor' in changes && Object.keys(changes).length === 1) &&
          !dialogs.some((name) => changes[name]),
      },
    );
  return [(name) => parameters.get(name) ?? '', write];
}

/** What the open dialog is about. */
const dialogs = ['key', 'tenant'];

const wholeSecret =
  /\b(fl_(?:user|master)_[a-z0-9]{1,16}|flkey|flplatform|flapi)_([0-9A-Za-z]{8})[0-9A-Za-z]{9,}/g;

/**
 * Who looks for a key and pastes all of it gets what is public of it: that finds it as well, and
 * may stand in an address.
 */
function withoutSecrets(text: string): string {
  return text.replaceAll(wholeSecret, '$1_$2');
}
