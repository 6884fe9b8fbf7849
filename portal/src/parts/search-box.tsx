import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { withoutSecrets } from './search-state.ts';

type Props = {
  label: string;
  placeholder: string;
  /** The text in the address. */
  value: string;
  onTake: (value: string) => void;
};

/** Short enough to seem immediate, long enough to skip the letters in between. */
const delayMs = 250;

/**
 * Text filter, applied as one types. A pasted key is cut to its prefix before it leaves the field.
 */
export function SearchBox({ label, placeholder, value, onTake }: Props) {
  const [text, setText] = useState(value);
  const [taken, setTaken] = useState(value);
  const take = useDebouncedCallback((typed: string) => {
    setTaken(typed);
    onTake(typed);
  }, delayMs);
  // The address has changed otherwise, as after Back.
  if (value !== taken) {
    setTaken(value);
    setText(value);
  }
  return (
    <TextInput
      label={label}
      placeholder={placeholder}
      type="search"
      value={text}
      onChange={(event) => {
        const typed = withoutSecrets(event.currentTarget.value);
        setText(typed);
        take(typed.trim());
      }}
    />
  );
}
