import { Alert, Button, Card, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerTo, api, type Get } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import { meKey } from '../query-client.ts';
import { AddPasskey } from './add-passkey.tsx';
import { EnrollTotp } from './enroll-totp.tsx';
import { useOwn } from './me.ts';
import { ownSessionsKey } from './own-sessions.tsx';
import { arePasskeysPossible } from './passkey.ts';
import { RecoveryCodes } from './recovery-codes.tsx';

type Factors = Get<'/api/v1/platform/auth/second-factors'>;
type Factor = Factors['factors'][number];
type Open = 'totp' | 'passkey' | { remove: Factor } | { codes: string[] } | null;

const factorsKey = ['second-factors'] as const;

/** The operator's authenticator app, passkeys and recovery codes. */
export function OwnSecondFactors() {
  const { me } = useOwn();
  const [open, setOpen] = useState<Open>(null);
  const queryClient = useQueryClient();
  const factors = useQuery({
    queryKey: factorsKey,
    queryFn: () => answerTo(api.GET('/api/v1/platform/auth/second-factors')),
  });
  const close = () => setOpen(null);
  const show = (codes: string[] | null) => setOpen(codes === null ? null : { codes });
  const refresh = () => {
    for (const queryKey of [factorsKey, ownSessionsKey, meKey])
      void queryClient.invalidateQueries({ queryKey });
  };
  const take = (codes: string[] | null) => {
    refresh();
    show(codes);
  };
  return (
    <Card withBorder component="section" aria-label="Second factor">
      <Stack>
        <Title order={2} size="h3">
          Second factor
        </Title>
        {me.lacks_second_factor && (
          <Alert variant="default" title="Set up a second factor to go on">
            This deployment requires one. Until then you can do nothing else here.
          </Alert>
        )}
        {factors.isError && <FaultAlert error={factors.error} retry={() => void factors.refetch()} />}
        {factors.data !== undefined && <Summary factors={factors.data} onOpen={setOpen} onCodes={take} />}
        {open === 'totp' && <EnrollTotp onDone={take} onClose={close} />}
        {open === 'passkey' && <AddPasskey onDone={take} onClose={close} />}
        {open !== null && typeof open === 'object' && 'codes' in open && (
          <RecoveryCodes codes={open.codes} onClose={close} />
        )}
        {open !== null && typeof open === 'object' && 'remove' in open && (
          <RemoveFactor factor={open.remove} onDone={() => take(null)} onClose={close} />
        )}
      </Stack>
    </Card>
  );
}

type SummaryProps = {
  factors: Factors;
  onOpen: (open: Open) => void;
  onCodes: (codes: string[]) => void;
};

function Summary({ factors: { setting, factors, recovery_codes_left }, onOpen, onCodes }: SummaryProps) {
  const renew = useMutation({
    // Without a result, which would be kept as long as the page is open.
    mutationFn: async () =>
      onCodes((await answerTo(api.POST('/api/v1/platform/auth/recovery-codes'))).recovery_codes),
  });
  const isOff = setting === 'off';
  return (
    <>
      <Text size="sm">
        {isOff
          ? 'Second factors are switched off in this deployment.'
          : 'With one, a stolen password alone lets nobody in. Setting up the first one ends your other sessions.'}
      </Text>
      {factors.length > 0 && (
        <ListTable
          label="Second factors"
          minWidth={480}
          columns={['Name', 'Added', 'Last used', 'Actions']}
          items={factors}
        >
          {(factor) => (
            <FactorRow key={factor.id} factor={factor} onRemove={() => onOpen({ remove: factor })} />
          )}
        </ListTable>
      )}
      {renew.isError && <FaultAlert error={renew.error} />}
      {factors.length > 0 && (
        <Group justify="space-between">
          <Text size="sm">{recovery_codes_left} of 10 recovery codes are left.</Text>
          {!isOff && (
            <Button
              size="compact-sm"
              variant="default"
              loading={renew.isPending}
              onClick={() => renew.mutate()}
            >
              Make new recovery codes
            </Button>
          )}
        </Group>
      )}
      {!isOff && (
        <Group>
          {!factors.some(({ kind }) => kind === 'totp') && (
            <Button variant="default" onClick={() => onOpen('totp')}>
              Set up an authenticator app
            </Button>
          )}
          {arePasskeysPossible && (
            <Button variant="default" onClick={() => onOpen('passkey')}>
              Add a passkey
            </Button>
          )}
        </Group>
      )}
    </>
  );
}

function FactorRow({ factor, onRemove }: { factor: Factor; onRemove: () => void }) {
  return (
    <Table.Tr>
      <Table.Td>{factor.name}</Table.Td>
      <Table.Td>
        <Time at={factor.created_at} none="Unknown" />
      </Table.Td>
      <Table.Td>
        <Time at={factor.last_used_at} none="Never" />
      </Table.Td>
      <Table.Td>
        <Button size="compact-sm" variant="default" aria-label={`Remove ${factor.name}`} onClick={onRemove}>
          Remove
        </Button>
      </Table.Td>
    </Table.Tr>
  );
}

function RemoveFactor({
  factor,
  onDone,
  onClose,
}: {
  factor: Factor;
  onDone: () => void;
  onClose: () => void;
}) {
  const remove = useMutation({
    mutationFn: () =>
      answerTo(
        api.DELETE('/api/v1/platform/auth/second-factors/{id}', { params: { path: { id: factor.id } } }),
      ),
    onSuccess: onDone,
  });
  return (
    <ConfirmDialog
      title={`Remove ${factor.name}`}
      verb={`Remove ${factor.name}`}
      change={remove}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text>
        It no longer counts when you log in. If it is your last one, your recovery codes are void, and your
        password alone lets you in.
      </Text>
    </ConfirmDialog>
  );
}
