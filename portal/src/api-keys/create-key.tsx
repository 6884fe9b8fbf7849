import { SegmentedControl, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { useOwn } from '../sessions/me.ts';
import type { Secret } from './api-keys-page.tsx';
import { ExpiryField } from './expiry-field.tsx';
import { type Expiry, expiresAt } from './expiry-presets.ts';
import { leastRoles, RolesField } from './roles-field.tsx';
import { useKeyChange } from './use-api-keys.ts';

type Props = { onSecret: (secret: Secret) => void; onClose: () => void };

const fields = ['name', 'description', 'scopes', 'role_ids', 'expires_at'] as const;
const usualScopes = ['read', 'write', 'admin'];

/**
 * Dialog for a new key: a platform key with roles of its creator, or a key of a tenant for
 * operators who may act inside it.
 */
export function CreateKey({ onSecret, onClose }: Props) {
  const { me, may, inside } = useOwn();
  // Inside a tenant the key is always a tenant key.
  const mayActInside = inside === undefined && may('platform:impersonate') && may('platform:tenants:read');
  const [kind, setKind] = useState(inside === undefined ? 'platform' : 'tenant');
  const [tenant, setTenant] = useState(inside?.id ?? null);
  const [scopes, setScopes] = useState<string[]>([]);
  const [roleIds, setRoleIds] = useState(() => leastRoles(me));
  const [expiry, setExpiry] = useState<Expiry>({ preset: '90', date: '' });
  const [lacking, setLacking] = useState<Record<string, string>>({});
  const [attempt] = useState(() => crypto.randomUUID());
  // Fixed start of the presets, so that a retry after a lost answer is the same request.
  const [beganAt] = useState(() => new Date());
  const create = useKeyChange(
    (body: Wanted) => send(body, kind === 'tenant' ? tenant : null, attempt),
    ({ name, key }) => {
      onClose();
      onSecret({ name, secret: key });
    },
  );
  const faults = fieldFaults(create.error, fields);
  const submit = (form: FormData) => {
    const missing = {
      ...(scopes.length === 0 && { scopes: 'choose at least one' }),
      ...(kind === 'tenant' && tenant === null && { tenant: 'choose one' }),
      ...(kind === 'platform' && roleIds.length === 0 && { role_ids: 'choose at least one' }),
    };
    setLacking(missing);
    if (Object.keys(missing).length > 0) return;
    const description = String(form.get('description') ?? '').trim();
    create.mutate({
      name: String(form.get('name') ?? ''),
      description: description === '' ? null : description,
      scopes,
      expires_at: expiresAt(expiry, beganAt),
      ...(kind === 'platform' && { role_ids: roleIds }),
    });
  };
  return (
    <FormDialog
      title="Create API Key"
      verb="Create API Key"
      isPending={create.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      {mayActInside && (
        <SegmentedControl
          aria-label="Kind"
          data={[
            { value: 'platform', label: 'Platform key' },
            { value: 'tenant', label: 'Tenant key' },
          ]}
          value={kind}
          onChange={setKind}
        />
      )}
      {kind === 'tenant' && inside === undefined && (
        <TenantPicker
          label="Tenant"
          required
          value={tenant ?? ''}
          onChange={(id) => setTenant(id || null)}
          error={lacking.tenant}
        />
      )}
      <TextInput label="Name" name="name" data-autofocus required autoComplete="off" error={faults.of.name} />
      <Textarea
        label="Description"
        name="description"
        description="What the key is used for"
        error={faults.of.description}
      />
      <TagsInput
        label="Scopes"
        required
        description={
          kind === 'platform'
            ? 'What it is meant for; what it may do, its roles decide'
            : 'What the key may do; Enter adds one of your own'
        }
        data={usualScopes}
        value={scopes}
        onChange={setScopes}
        error={lacking.scopes ?? faults.of.scopes}
      />
      {kind === 'platform' && (
        <RolesField roleIds={roleIds} onChange={setRoleIds} error={lacking.role_ids ?? faults.of.role_ids} />
      )}
      <ExpiryField expiry={expiry} onChange={setExpiry} error={faults.of.expires_at} />
    </FormDialog>
  );
}

type Wanted = {
  name: string;
  description: string | null;
  scopes: string[];
  expires_at: string | null;
  role_ids?: string[];
};

function send(body: Wanted, tenant: string | null, attempt: string) {
  const params = { header: { 'Idempotency-Key': attempt } };
  if (tenant === null)
    return answerTo(api.POST('/api/v1/apikeys', { params, body: { ...body, platform: true } }));
  return answerTo(api.POST('/api/v1/apikeys', { params, body, headers: { 'X-Flowplate-Org': tenant } }));
}
