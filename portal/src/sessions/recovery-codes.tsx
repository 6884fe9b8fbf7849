import { ShownOnce } from '../parts/shown-once.tsx';

const advice = {
  title: 'Store them now, apart from your phone',
  text: 'Each lets you in once, when you have lost your second factor. They are shown only this once.',
};

/** The recovery codes that were just made. */
export function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <ShownOnce
      title="Recovery codes"
      advice={advice}
      secret={codes.join('\n')}
      done="I have stored them"
      onClose={onClose}
    />
  );
}
