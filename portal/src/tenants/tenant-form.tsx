import { Button, Group, Stack, TextInput } from '@mantine/core';
import type { FormEvent } from 'react';
import { answerTo, api } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { type Tenant, useTenantChange } from './use-tenants.ts';

type Props = { tenant?: Tenant; onClose: () => void };

const fields = ['name'] as const;

/** Provisions a tenant, or renames the one that is given. */
export function TenantForm({ tenant, onClose }: Props) {
  const save = useTenantChange((name: string): Promise<unknown> => send(tenant, name), onClose);
  const faults = fieldFaults(save.error, fields);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(String(new FormData(event.currentTarget).get('name')));
  };
  return (
    <Dialog onClose={onClose} title={tenant === undefined ? 'Provision Tenant' : `Rename ${tenant.name}`}>
      <form onSubmit={submit}>
        <Stack>
          {faults.rest !== undefined && <FaultAlert error={faults.rest} />}
          <TextInput
            label="Name"
            name="name"
            data-autofocus
            defaultValue={tenant?.name}
            autoComplete="off"
            required
            error={faults.of.name}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending}>
              {tenant === undefined ? 'Provision Tenant' : 'Rename'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function send(tenant: Tenant | undefined, name: string): Promise<unknown> {
  if (tenant === undefined) return answerTo(api.POST('/api/v1/platform/tenants', { body: { name } }));
  const params = { path: { id: tenant.id } };
  return answerTo(api.PATCH('/api/v1/platform/tenants/{id}', { params, body: { name } }));
}
