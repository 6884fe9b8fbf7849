import { TextInput } from '@mantine/core';
import { answerTo, api } from '../api/client.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { type Tenant, useTenantChange } from './use-organizations.ts';

type Props = { tenant?: Tenant; onClose: () => void };

const fields = ['name'] as const;

/** Provisions a tenant, or renames the given one. */
export function TenantForm({ tenant, onClose }: Props) {
  const save = useTenantChange((name: string): Promise<unknown> => send(tenant, name), onClose);
  const faults = fieldFaults(save.error, fields);
  const submit = (form: FormData) => {
    save.mutate(String(form.get('name')));
  };
  return (
    <FormDialog
      title={tenant === undefined ? 'Provision Tenant' : `Rename ${tenant.name}`}
      verb={tenant === undefined ? 'Provision Tenant' : 'Rename'}
      isPending={save.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        data-autofocus
        defaultValue={tenant?.name}
        autoComplete="off"
        required
        error={faults.of.name}
      />
    </FormDialog>
  );
}

function send(tenant: Tenant | undefined, name: string): Promise<unknown> {
  if (tenant === undefined) return answerTo(api.POST('/api/v1/platform/tenants', { body: { name } }));
  const params = { path: { id: tenant.id } };
  return answerTo(api.PATCH('/api/v1/platform/tenants/{id}', { params, body: { name } }));
}
