import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api, type Role } from '../api/client.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { isSameSet } from '../parts/same-set.ts';
import type { Permission } from '../sessions/me.ts';
import { PermissionMatrix } from './permission-matrix.tsx';
import { useRoleChange } from './use-role-change.ts';

type Props = { role?: Role; onClose: () => void };
type Wanted = { name: string; description: string | null; permissions: Permission[] };

const fields = ['name', 'description', 'permissions'] as const;

/** Creates a role, or changes the given one. */
export function RoleForm({ role, onClose }: Props) {
  const [granted, setGranted] = useState<Permission[]>(role?.permissions ?? []);
  const [lacksPermission, setLacksPermission] = useState(false);
  const save = useRoleChange((wanted: Wanted) => send(role, wanted), onClose);
  const faults = fieldFaults(save.error, fields, {
    ROLE_ALREADY_EXISTS: 'name',
    INSUFFICIENT_PERMISSIONS: 'permissions',
  });
  const submit = (form: FormData) => {
    // A role without permissions is allowed by the API, but a mistake in this form.
    setLacksPermission(granted.length === 0);
    if (granted.length === 0) return;
    const description = String(form.get('description') ?? '').trim();
    save.mutate({
      name: String(form.get('name') ?? ''),
      description: description === '' ? null : description,
      permissions: granted,
    });
  };
  return (
    <FormDialog
      title={role === undefined ? 'Create Role' : `Edit ${role.name}`}
      verb={role === undefined ? 'Create Role' : 'Save'}
      size="lg"
      isPending={save.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        data-autofocus
        defaultValue={role?.name}
        autoComplete="off"
        required
        error={faults.of.name}
      />
      <Textarea
        label="Description"
        name="description"
        description="Who it is for"
        defaultValue={role?.description ?? ''}
        error={faults.of.description}
      />
      <PermissionMatrix
        granted={granted}
        onChange={setGranted}
        error={
          lacksPermission && granted.length === 0 ? 'choose at least one' : faults.of.permissions && notHeld
        }
      />
    </FormDialog>
  );
}

/** It was held when the form opened: the operator's own rights have changed since. */
const notHeld = 'holds one that you may not grant';

async function send(role: Role | undefined, wanted: Wanted): Promise<void> {
  if (role === undefined) return void (await answerTo(api.POST('/api/v1/platform/roles', { body: wanted })));
  const body = changesOf(role, wanted);
  // The API refuses a change of nothing.
  if (Object.keys(body).length === 0) return;
  await answerTo(api.PUT('/api/v1/platform/roles/{id}', { params: { path: { id: role.id } }, body }));
}

/** Only what differs from the opened form: the rest may have been changed by others since. */
function changesOf(role: Role, { name, description, permissions }: Wanted): Partial<Wanted> {
  return {
    ...(name !== role.name && { name }),
    // The form leaves out spaces around it.
    ...((description ?? '') !== (role.description ?? '').trim() && { description }),
    ...(!isSameSet(permissions, role.permissions) && { permissions }),
  };
}
