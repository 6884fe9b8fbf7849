import { PasswordInput, Switch, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api, type User } from '../api/client.ts';
import { RolesField } from '../api-keys/roles-field.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { isSameSet } from '../parts/same-set.ts';
import { useOwn } from '../sessions/me.ts';
import { useUserChange } from './use-platform-users.ts';

type Props = { user?: User; onClose: () => void };
type Wanted = {
  email: string;
  name: string;
  password: string;
  role_ids: string[];
  is_active: boolean;
  is_break_glass: boolean;
};

const fields = ['email', 'name', 'password', 'role_ids', 'is_active'] as const;

/** Creates a user, or changes the name, roles and status of the given one. */
export function UserForm({ user, onClose }: Props) {
  const { me, may } = useOwn();
  const [roleIds, setRoleIds] = useState(user?.role_ids ?? []);
  const [isActive, setIsActive] = useState(user?.is_active ?? true);
  const [isBreakGlass, setIsBreakGlass] = useState(user?.is_break_glass ?? false);
  const isManaged = user?.sign_in === 'provider';
  const [lacksRole, setLacksRole] = useState(false);
  const save = useUserChange((wanted: Wanted) => sendUser(user, wanted), onClose);
  const faults = fieldFaults(save.error, fields, {
    EMAIL_ALREADY_EXISTS: 'email',
    LAST_SUPER_ADMIN: 'role_ids',
  });
  const submit = (form: FormData) => {
    // A user without roles can do nothing: allowed by the API, but a mistake in this form.
    const isUseless = roleIds.length === 0 && !isManaged;
    setLacksRole(isUseless);
    if (isUseless) return;
    const text = (name: string) => String(form.get(name) ?? '');
    save.mutate({
      email: text('email'),
      name: text('name'),
      password: text('password'),
      role_ids: roleIds,
      is_active: isActive,
      is_break_glass: isBreakGlass,
    });
  };
  return (
    <FormDialog
      title={user === undefined ? 'Create User' : `Edit ${user.email}`}
      verb={user === undefined ? 'Create User' : 'Save'}
      isPending={save.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      {isManaged && (
        <Text size="sm">The company’s sign-in decides the name, the e-mail address and the roles.</Text>
      )}
      {user === undefined && (
        <TextInput
          label="Email"
          name="email"
          type="email"
          data-autofocus
          autoComplete="off"
          required
          error={faults.of.email}
        />
      )}
      <TextInput
        label="Display Name"
        name="name"
        data-autofocus={user !== undefined}
        defaultValue={user?.name}
        disabled={isManaged}
        autoComplete="off"
        required
        error={faults.of.name}
      />
      {user === undefined && (
        <PasswordInput
          label="Password"
          name="password"
          description="At least 15 characters, of any kind."
          autoComplete="new-password"
          required
          error={faults.of.password}
        />
      )}
      <RolesField
        roleIds={roleIds}
        onChange={setRoleIds}
        error={lacksRole ? 'choose at least one' : faults.of.role_ids}
        isDisabled={isManaged}
      />
      {user !== undefined && user.id !== me.id && (
        <Switch
          label="Active"
          description="Deactivating ends the user's sessions at once."
          checked={isActive}
          onChange={(event) => setIsActive(event.currentTarget.checked)}
          error={faults.of.is_active}
        />
      )}
      {user?.sign_in === 'password' && may('super-admin') && (
        <Switch
          label="Break-glass account"
          description="Keeps its password where others sign in with the company account. Each use is written down."
          checked={isBreakGlass}
          onChange={(event) => setIsBreakGlass(event.currentTarget.checked)}
        />
      )}
    </FormDialog>
  );
}

async function sendUser(user: User | undefined, wanted: Wanted): Promise<void> {
  const { is_active: _, is_break_glass: __, ...created } = wanted;
  if (user === undefined) return void (await answerTo(api.POST('/api/v1/platform/users', { body: created })));
  const body = changesOf(user, wanted);
  // The API refuses a change of nothing.
  if (Object.keys(body).length === 0) return;
  await answerTo(api.PUT('/api/v1/platform/users/{id}', { params: { path: { id: user.id } }, body }));
}

/** Only what differs from the opened form: the rest may have been changed by others since. */
function changesOf(user: User, { name, role_ids, is_active, is_break_glass }: Wanted) {
  const status = is_active !== user.is_active && { is_active };
  // The identity provider decides the rest of its accounts.
  if (user.sign_in === 'provider') return { ...status };
  return {
    ...(name !== user.name && { name }),
    ...(!isSameSet(role_ids, user.role_ids) && { role_ids }),
    ...status,
    ...(is_break_glass !== user.is_break_glass && { is_break_glass }),
  };
}
