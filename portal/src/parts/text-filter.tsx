import { TextInput } from '@mantine/core';

type Props = { label: string; placeholder: string; value: string; onTake: (value: string) => void };

/** Taken when the field is left or Enter is pressed: half an id is not one. */
export function TextFilter({ label, placeholder, value, onTake }: Props) {
  const take = (typed: string) => typed.trim() !== value && onTake(typed.trim());
  return (
    <TextInput
      // Anew when the address says otherwise, as after a Back.
      key={value}
      label={label}
      placeholder={placeholder}
      defaultValue={value}
      onBlur={(event) => take(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && take(event.currentTarget.value)}
    />
  );
}
