import { useSearchParams } from 'react-router';

/** What is filtered and sorted stands in the address, so that it can be linked to; nothing secret ever does. */
export function useSearchState(): [
  read: (name: string) => string,
  write: (changes: Record<string, string>) => void,
] {
  const [parameters, setParameters] = useSearchParams();
  const write = (changes: Record<string, string>) =>
    setParameters(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes)) {
          if (value === '') after.delete(name);
          else after.set(name, withoutSecrets(value));
        }
        return after;
      },
      // What is typed replaces; a page that was turned and a dialog that was opened can be gone back from. One that was closed is not
      // opened again by it.
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

/** Who looks for a key and pastes all of it gets what is public of it: that finds it as well, and may stand in an address. */
function withoutSecrets(text: string): string {
  return text.replaceAll(wholeSecret, '$1_$2');
}
