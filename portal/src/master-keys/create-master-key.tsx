import { Checkbox, Stack, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import type { Secret } from '../api-keys/api-keys-page.tsx';
import { ExpiryField } from '../api-keys/expiry-field.tsx';
import { type Expiry, expiresAt } from '../api-keys/expiry-presets.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { type Bounds, BoundsFields, boundNames, readBounds } from './bounds-fields.tsx';
import { permissions } from './permissions.ts';
import { type MasterKeyPermission, useMasterKeyChange } from './use-master-keys.ts';

type Props = { onSecret: (secret: Secret) => void; onClose: () => void };

const fields = [
  'name',
  'permissions',
  'organization_ids',
  'environments',
  'ip_allowlist',
  'expires_at',
  ...boundNames,
] as const;

const limits = [
  {
    name: 'organization_ids',
    label: 'Organizations',
    description: 'For whose users. None listed: for all',
    placeholder: 'org_…',
  },
  {
    name: 'environments',
    label: 'Environments',
    description: 'In which of them. None listed: in all',
    placeholder: 'prod',
  },
  {
    name: 'ip_allowlist',
    label: 'IP addresses',
    description: 'Addresses and CIDR ranges it may be used from. None listed: from anywhere',
    placeholder: '10.0.0.0/8',
  },
] as const;

type Lists = Record<(typeof limits)[number]['name'], string[]>;

/** No permission is preselected, so that a backend gets only what it needs. */
export function CreateMasterKey({ onSecret, onClose }: Props) {
  const [allowed, setAllowed] = useState<string[]>([]);
  const [lists, setLists] = useState<Lists>({ organization_ids: [], environments: [], ip_allowlist: [] });
  const [expiry, setExpiry] = useState<Expiry>({ preset: '365', date: '' });
  const [lacksPermission, setLacksPermission] = useState(false);
  const [attempt] = useState(() => crypto.randomUUID());
  // Fixed start of the presets, so that a retry after a lost answer is the same request.
  const [beganAt] = useState(() => new Date());
  const create = useMasterKeyChange(
    (body: Wanted) => send(body, attempt),
    ({ name, key }) => {
      onClose();
      onSecret({ name, secret: key });
    },
  );
  const faults = fieldFaults(create.error, fields);
  const submit = (form: FormData) => {
    setLacksPermission(allowed.length === 0);
    if (allowed.length === 0) return;
    create.mutate({
      name: String(form.get('name') ?? ''),
      permissions: allowed as MasterKeyPermission[],
      expires_at: expiresAt(expiry, beganAt),
      ...readBounds(form),
      ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    });
  };
  return (
    <FormDialog
      title="Create Master Key"
      verb="Create Master Key"
      size="lg"
      isPending={create.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        name="name"
        data-autofocus
        description="The backend or gateway that will hold it"
        required
        autoComplete="off"
        error={faults.of.name}
      />
      <Checkbox.Group
        label="Permissions"
        required
        value={allowed}
        onChange={setAllowed}
        error={lacksPermission && allowed.length === 0 ? 'choose at least one' : faults.of.permissions}
      >
        <Stack gap="xs" mt="xs">
          {Object.entries(permissions).map(([permission, description]) => (
            <Checkbox key={permission} value={permission} label={permission} description={description} />
          ))}
        </Stack>
      </Checkbox.Group>
      {limits.map(({ name, label, description, placeholder }) => (
        <TagsInput
          key={name}
          label={label}
          description={description}
          placeholder={lists[name].length === 0 ? placeholder : undefined}
          value={lists[name]}
          onChange={(list) => setLists({ ...lists, [name]: list })}
          error={faults.of[name]}
        />
      ))}
      <BoundsFields faults={faults.of} />
      <ExpiryField expiry={expiry} onChange={setExpiry} error={faults.of.expires_at} />
    </FormDialog>
  );
}

type Wanted = {
  name: string;
  permissions: MasterKeyPermission[];
  expires_at: string | null;
} & Partial<Lists> &
  Bounds;

function send(body: Wanted, attempt: string) {
  const params = { header: { 'Idempotency-Key': attempt } };
  return answerTo(api.POST('/api/v1/platform/master-keys', { params, body }));
}
