import { TextInput } from '@mantine/core';

type Props = { label: string; placeholder: string; value: string; onTake: (value: string) => void };

/** Applied on blur or Enter, because half an id matches nothing. */
export function TextFilter({ label, placeholder, value, onTake }: Props) {
  const take = (typed: string) => typed.trim() !== value && onTake(typed.trim());
  return (
    <TextInput
      // Remounts when the address changes, as after Back.
      key={value}
      label={label}
      placeholder={placeholder}
      defaultValue={value}
      onBlur={(event) => take(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && take(event.currentTarget.value)}
    />
  );
}
