import { ShownOnce } from './shown-once.tsx';

const advice = {
  title: 'Copy it now',
  text: 'This key is shown only this once. It cannot be retrieved later.',
};

/** The secret of a key that was just created or rotated. */
export function NewKey({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  return (
    <ShownOnce
      title={`The key of ${name}`}
      advice={advice}
      secret={secret}
      done="I have stored it"
      onClose={onClose}
    />
  );
}
