import { Button, Code, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import { useOwn } from '../sessions/me.ts';
import { toDays } from './policy-fields.ts';
import { PolicyForm } from './policy-form.tsx';
import { PolicyReportView } from './policy-report.tsx';
import { type Policy, usePolicy, usePolicyChange, usePolicyReport } from './use-policy.ts';

/** The policy of a tenant for its user keys, and the ways to change and check it. */
export function TenantPolicy({ id }: { id: string }) {
  const policy = usePolicy(id);
  return (
    <Stack mt="lg" gap="xs">
      <Title order={2} size="h4">
        Policy
      </Title>
      {policy.isError && <FaultAlert error={policy.error} retry={() => void policy.refetch()} />}
      {policy.isPending && <Skeleton h={80} />}
      {policy.data !== undefined && <ShownPolicy id={id} policy={policy.data.policy} />}
    </Stack>
  );
}

type Props = { id: string; policy: Policy | null };

function ShownPolicy({ id, policy }: Props) {
  const { may } = useOwn();
  const report = usePolicyReport(id);
  return (
    <>
      {policy === null ? (
        <Text size="sm">None: its user keys may have any settings.</Text>
      ) : (
        <Facts facts={factsOf(policy)} />
      )}
      <Group gap="xs">
        {may('platform:tenants:manage') && <PolicyButtons id={id} policy={policy} />}
        {policy !== null && may('platform:hidden_keys:read') && (
          <Button
            size="xs"
            variant="default"
            loading={report.isPending}
            onClick={() => report.mutate({ policy, soFar: goOnFrom(report.data) })}
          >
            {goOnFrom(report.data) === undefined ? 'Check Keys' : 'Check More Keys'}
          </Button>
        )}
      </Group>
      {report.isError && <FaultAlert error={report.error} />}
      {report.data !== undefined && <PolicyReportView report={report.data} />}
    </>
  );
}

/** A report that has more pages. */
function goOnFrom<Report extends { next: string | null }>(report: Report | undefined): Report | undefined {
  return report?.next === null ? undefined : report;
}

function PolicyButtons({ id, policy }: Props) {
  const [open, setOpen] = useState<'form' | 'clear'>();
  const close = () => setOpen(undefined);
  const clear = usePolicyChange(id, close);
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpen('form')}>
        {policy === null ? 'Set Policy' : 'Change Policy'}
      </Button>
      {policy !== null && (
        <Button size="xs" variant="default" color="red" onClick={() => setOpen('clear')}>
          Clear Policy
        </Button>
      )}
      {open === 'form' && <PolicyForm id={id} policy={policy} onClose={close} />}
      {open === 'clear' && (
        <ConfirmDialog
          title={`Clear the policy of ${id}`}
          verb="Clear Policy"
          color="red"
          change={clear}
          onConfirm={() => clear.mutate(null)}
          onClose={close}
        >
          <Text>Keys may then have any settings. Those that have defaults of it keep them.</Text>
        </ConfirmDialog>
      )}
    </>
  );
}

function factsOf(policy: Policy): Fact[] {
  const { allowed_scopes: scopes, allowed_environments: environments } = policy;
  const facts: [string, Fact[1] | undefined][] = [
    ['Longest lifetime', days(policy.ttl_seconds_max)],
    ['Default lifetime', days(policy.ttl_seconds_default)],
    ['Refresh due', days(policy.key_age_seconds_max)],
    ['End', policy.expiry_required === true ? 'Required' : undefined],
    ['Highest rate limit', rate(policy.rate_limit_max)],
    ['Default rate limit', rate(policy.rate_limit_default)],
    ['Highest quota', quota(policy.quota_max)],
    ['Default quota', quota(policy.quota_default)],
    ['Allowed scopes', scopes && (scopes.length === 0 ? 'None' : <Names names={scopes} />)],
    ['Allowed environments', environments && <Code>{environments.join(', ')}</Code>],
  ];
  return facts.filter((fact): fact is Fact => fact[1] !== undefined);
}

function days(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : `${toDays(seconds)} days`;
}

function rate(value: Policy['rate_limit_max']): string | undefined {
  return value && `${number(value.limit)} in ${number(value.window_seconds)} s`;
}

function quota(value: Policy['quota_max']): string | undefined {
  return value && `${number(value.limit)} in a ${value.period}`;
}
