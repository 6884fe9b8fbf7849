import { Button, Checkbox, Group, NativeSelect, TagsInput, TextInput } from '@mantine/core';
import { type MouseEvent, useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { FormDialog } from '../parts/form-dialog.tsx';
import { useOwn } from '../sessions/me.ts';
import { type Allowed, limitRules, toDays, toPolicy } from './policy-fields.ts';
import { PolicyReportView } from './policy-report.tsx';
import { type Policy, usePolicyChange, usePolicyReport } from './use-policy.ts';

type Props = { id: string; policy: Policy | null; onClose: () => void };

/** Sets the policy of a tenant, after a look at the keys that it would leave behind. */
export function PolicyForm({ id, policy, onClose }: Props) {
  const { may } = useOwn();
  const was = policy ?? {};
  const [allowed, setAllowed] = useState<Allowed>({
    allowed_scopes: was.allowed_scopes,
    allowed_environments: was.allowed_environments,
  });
  const save = usePolicyChange(id, onClose);
  const report = usePolicyReport(id);
  const check = ({ currentTarget: { form } }: MouseEvent<HTMLButtonElement>) => {
    if (form?.reportValidity()) report.mutate({ policy: toPolicy(new FormData(form), allowed, was) });
  };
  return (
    <FormDialog
      title={`Policy of ${id}`}
      verb="Set Policy"
      size="lg"
      isPending={save.isPending}
      fault={save.error ?? undefined}
      onSubmit={(form) => save.mutate(toPolicy(form, allowed, was))}
      onClose={onClose}
    >
      <Group align="start" grow>
        <Days label="Longest lifetime (days)" name="ttl_days_max" seconds={was.ttl_seconds_max} />
        <Days label="Default lifetime (days)" name="ttl_days_default" seconds={was.ttl_seconds_default} />
      </Group>
      <Days
        label="Refresh due at an age of (days)"
        name="key_age_days_max"
        seconds={was.key_age_seconds_max}
      />
      <Checkbox
        label="Every key has an end"
        name="expiry_required"
        defaultChecked={was.expiry_required === true}
      />
      {limitRules.map(({ rule, label, unit }) => (
        <LimitFields key={rule} rule={rule} label={label} unit={unit} was={was} />
      ))}
      <Checkbox
        label="Only these scopes"
        checked={allowed.allowed_scopes !== undefined}
        onChange={({ currentTarget: { checked } }) =>
          setAllowed({ ...allowed, allowed_scopes: checked ? [] : undefined })
        }
      />
      {allowed.allowed_scopes !== undefined && (
        <TagsInput
          label="Allowed scopes"
          description="None listed: keys have no scopes"
          value={allowed.allowed_scopes}
          onChange={(allowed_scopes) => setAllowed({ ...allowed, allowed_scopes })}
        />
      )}
      <TagsInput
        label="Allowed environments"
        description="None listed: all"
        value={allowed.allowed_environments ?? []}
        onChange={(listed) =>
          setAllowed({ ...allowed, allowed_environments: listed.length === 0 ? undefined : listed })
        }
      />
      {may('platform:hidden_keys:read') && (
        <Button variant="default" onClick={check} loading={report.isPending}>
          Check Keys
        </Button>
      )}
      {report.isError && <FaultAlert error={report.error} />}
      {report.data !== undefined && <PolicyReportView report={report.data} />}
    </FormDialog>
  );
}

function Days({ label, name, seconds }: { label: string; name: string; seconds: number | undefined }) {
  return (
    <TextInput
      type="number"
      label={label}
      name={name}
      min={0}
      step="any"
      defaultValue={toDays(seconds)}
      autoComplete="off"
    />
  );
}

type LimitProps = Pick<(typeof limitRules)[number], 'rule' | 'label' | 'unit'> & { was: Policy };

function LimitFields({ rule, label, unit, was }: LimitProps) {
  const value = was[rule];
  const window = value !== undefined && 'window_seconds' in value ? value.window_seconds : 60;
  const period = value !== undefined && 'period' in value ? value.period : 'day';
  return (
    <Group align="start" grow>
      <TextInput
        type="number"
        label={label}
        name={`${rule}.limit`}
        min={1}
        defaultValue={value?.limit}
        autoComplete="off"
      />
      {unit === 'period' ? (
        <NativeSelect
          label={`${label}: period`}
          name={`${rule}.period`}
          data={['day', 'month']}
          defaultValue={period}
        />
      ) : (
        <TextInput
          type="number"
          label={`${label}: seconds`}
          name={`${rule}.window_seconds`}
          min={1}
          defaultValue={window}
          required
          autoComplete="off"
        />
      )}
    </Group>
  );
}
