import { Group, Select, TextInput } from '@mantine/core';
import type { MasterKey } from './use-master-keys.ts';

export type Bounds = Pick<MasterKey, 'mint_quota' | 'living_keys_max' | 'key_age_seconds_max'>;
type Period = NonNullable<Bounds['mint_quota']>['period'];

export const boundNames = ['mint_quota.limit', 'living_keys_max', 'key_age_seconds_max'] as const;

const daySeconds = 86_400;

type Props = { bounds?: Bounds; faults: Partial<Record<string, string>> };

const number = { type: 'number', min: 1, step: 1, inputMode: 'numeric', autoComplete: 'off' } as const;

/** Fields of what a master key may mint. An empty one is no bound. */
export function BoundsFields({ bounds, faults }: Props) {
  return (
    <>
      <Group align="start" grow>
        <TextInput
          {...number}
          label="Mint quota"
          name="mint_limit"
          description="Keys in each period. Empty: no quota"
          defaultValue={bounds?.mint_quota?.limit ?? ''}
          error={faults['mint_quota.limit']}
        />
        <Select
          label="Period"
          name="mint_period"
          description="By the clock of UTC"
          data={['minute', 'hour', 'day']}
          allowDeselect={false}
          defaultValue={bounds?.mint_quota?.period ?? 'day'}
        />
      </Group>
      <TextInput
        {...number}
        label="Living keys at most"
        name="living_keys_max"
        description="Active keys that it has minted. Empty: no bound"
        defaultValue={bounds?.living_keys_max ?? ''}
        error={faults.living_keys_max}
      />
      <TextInput
        {...number}
        step="any"
        label="Refresh due at an age of (days)"
        name="key_age_days_max"
        description="Older keys of it stand in the hygiene report. Empty: none is due"
        defaultValue={bounds?.key_age_seconds_max ? bounds.key_age_seconds_max / daySeconds : ''}
        error={faults.key_age_seconds_max}
      />
    </>
  );
}

export function readBounds(form: FormData): Bounds {
  const limit = String(form.get('mint_limit') ?? '');
  const living = String(form.get('living_keys_max') ?? '');
  const age = String(form.get('key_age_days_max') ?? '');
  return {
    mint_quota:
      limit === '' ? null : { limit: Number(limit), period: String(form.get('mint_period')) as Period },
    living_keys_max: living === '' ? null : Number(living),
    key_age_seconds_max: age === '' ? null : Math.round(Number(age) * daySeconds),
  };
}
