import { MultiSelect, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { eventTypes } from '../audit/sentence.ts';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { nameOf, useWebhookChange, type Webhook } from './use-webhooks.ts';
import type { WebhookSecret } from './webhooks-page.tsx';

type Props = {
  /** The one to change; absent to create one. */
  webhook?: Webhook;
  onSecret: (secret: WebhookSecret) => void;
  onClose: () => void;
};

type Wanted = Pick<Webhook, 'url' | 'types' | 'description'> & { organization_id: string };

const fields = ['url', 'types', 'organization_id', 'description'] as const;
const byCode = { ORGANIZATION_NOT_FOUND: 'organization_id' };
const everyType = '*' as const;

/** Creates a webhook, or changes one. The tenant of a webhook stays what it is. */
export function WebhookForm({ webhook, onSecret, onClose }: Props) {
  const [isForAll, setIsForAll] = useState(webhook?.types.includes(everyType) ?? false);
  const [types, setTypes] = useState<string[]>((webhook?.types ?? []).filter((type) => type !== everyType));
  const [organizationId, setOrganizationId] = useState('');
  const [lacksTypes, setLacksTypes] = useState(false);
  const [attempt] = useState(() => crypto.randomUUID());
  const save = useWebhookChange(
    (wanted: Wanted) => (webhook === undefined ? create(wanted, attempt) : update(webhook.id, wanted)),
    ({ webhook: saved, secret }) => {
      onClose();
      if (secret !== undefined) onSecret({ name: nameOf(saved), secret });
    },
  );
  const faults = fieldFaults(save.error, fields, byCode);
  const isWithoutTypes = !isForAll && types.length === 0;
  const submit = (form: FormData) => {
    setLacksTypes(isWithoutTypes);
    if (isWithoutTypes) return;
    const description = String(form.get('description')).trim();
    save.mutate({
      url: String(form.get('url')).trim(),
      types: isForAll ? [everyType] : (types as Webhook['types']),
      description: description === '' ? null : description,
      organization_id: organizationId,
    });
  };
  return (
    <FormDialog
      title={webhook === undefined ? 'Create Webhook' : `Edit ${nameOf(webhook)}`}
      verb={webhook === undefined ? 'Create Webhook' : 'Save'}
      isPending={save.isPending}
      fault={faults.rest}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextInput
        label="Address"
        name="url"
        data-autofocus
        description="Begins with https://. Redirects are not followed"
        placeholder="https://hooks.example.com/flowplate"
        defaultValue={webhook?.url}
        autoComplete="off"
        required
        error={faults.of.url}
      />
      <TextInput
        label="Description"
        name="description"
        description="What it is for. It becomes its name here"
        defaultValue={webhook?.description ?? ''}
        autoComplete="off"
        maxLength={500}
        error={faults.of.description}
      />
      <Switch
        label="Every event"
        description="Also of types that later releases add"
        checked={isForAll}
        onChange={(event) => setIsForAll(event.currentTarget.checked)}
      />
      {!isForAll && (
        <MultiSelect
          label="Events"
          placeholder={types.length === 0 ? 'Choose types' : undefined}
          data={eventTypes}
          searchable
          hidePickedOptions
          value={types}
          onChange={setTypes}
          error={lacksTypes && isWithoutTypes ? 'choose at least one' : faults.of.types}
        />
      )}
      {webhook === undefined && (
        <TenantPicker
          label="Tenant"
          value={organizationId}
          onChange={setOrganizationId}
          error={faults.of.organization_id}
        />
      )}
    </FormDialog>
  );
}

type Saved = { webhook: Webhook; secret?: string };

async function create({ organization_id, ...wanted }: Wanted, attempt: string): Promise<Saved> {
  const params = { header: { 'Idempotency-Key': attempt } };
  const body = { ...wanted, ...(organization_id !== '' && { organization_id }) };
  const { secret, ...webhook } = await answerTo(api.POST('/api/v1/platform/webhooks', { params, body }));
  return { webhook, secret };
}

async function update(id: string, { url, types, description }: Wanted): Promise<Saved> {
  const body = { url, types, description };
  const params = { path: { id } };
  return { webhook: await answerTo(api.PATCH('/api/v1/platform/webhooks/{id}', { params, body })) };
}
