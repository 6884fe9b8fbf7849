import { Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { answerTo, api } from '../api/client.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { makePasskey } from './passkey.ts';

type Props = { onDone: (codes: string[] | null) => void; onClose: () => void };

/** Adds a passkey of this device, or of a key that is plugged in. */
export function AddPasskey({ onDone, onClose }: Props) {
  const add = useMutation({
    mutationFn: async (name: string) => {
      const offer = await answerTo(api.POST('/api/v1/platform/auth/passkeys/challenge'));
      const body = await makePasskey(offer, name);
      return answerTo(api.POST('/api/v1/platform/auth/passkeys', { body }));
    },
    onSuccess: ({ recovery_codes }) => onDone(recovery_codes),
  });
  const faults = fieldFaults(add.error, ['name']);
  return (
    <FormDialog
      title="Add a passkey"
      verb="Add"
      isPending={add.isPending}
      fault={faults.rest}
      onSubmit={(form) => add.mutate(String(form.get('name')))}
      onClose={onClose}
    >
      <Text size="sm">
        Your browser asks for a fingerprint, a face, a PIN or a security key. The passkey works at this
        address alone: {window.location.hostname}.
      </Text>
      <TextInput
        label="Name"
        name="name"
        description="To tell it from others, such as the device."
        data-autofocus
        required
        error={faults.of.name}
      />
    </FormDialog>
  );
}
