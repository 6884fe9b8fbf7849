import { Group, Select, TextInput } from '@mantine/core';
import { type Expiry, expiryPresets } from './expiry-presets.ts';

type Props = {
  expiry: Expiry;
  onChange: (expiry: Expiry) => void;
  /** Error of the chosen date, or from the server. */
  error: string | undefined;
};

export function ExpiryField({ expiry, onChange, error }: Props) {
  const isDate = expiry.preset === 'date';
  return (
    <Group align="start" grow>
      <Select
        label="Expiration"
        data={expiryPresets}
        allowDeselect={false}
        value={expiry.preset}
        onChange={(preset) => onChange({ ...expiry, preset: preset ?? 'never' })}
        error={isDate ? undefined : error}
      />
      {isDate && (
        <TextInput
          type="date"
          label="Last day (UTC)"
          description="It works to the end of this day"
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          max="9999-12-31"
          required
          value={expiry.date}
          onChange={(event) => onChange({ ...expiry, date: event.currentTarget.value })}
          error={error}
        />
      )}
    </Group>
  );
}
