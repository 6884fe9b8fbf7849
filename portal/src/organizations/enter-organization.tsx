import { Text, TextInput } from '@mantine/core';
import { FormDialog } from '../parts/form-dialog.tsx';
import { enter } from '../sessions/inside.ts';
import { leaveTo } from '../sessions/leave-to.ts';
import { useOwn } from '../sessions/me.ts';
import type { Tenant } from './use-organizations.ts';

/** `to`: the view to open inside it. */
type Props = { tenant: Pick<Tenant, 'id' | 'name'>; to?: string; onClose: () => void };

export function EnterTenant({ tenant, to = '/api-keys', onClose }: Props) {
  const { me } = useOwn();
  const submit = (form: FormData) => {
    const reason = String(form.get('reason')).trim();
    enter({ operatorId: me.id, id: tenant.id, name: tenant.name, reason });
    leaveTo(to);
  };
  return (
    <FormDialog
      title={`Enter ${tenant.name}`}
      verb={`Enter ${tenant.name}`}
      onSubmit={submit}
      onClose={onClose}
    >
      <Text>You see and change its keys as it does itself. Every call is audited under your name.</Text>
      <TextInput
        label="Reason"
        name="reason"
        data-autofocus
        description="An auditor will read it"
        maxLength={200}
        required
      />
    </FormDialog>
  );
}
