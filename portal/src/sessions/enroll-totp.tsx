import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { QRCodeSVG } from 'qrcode.react';
import { answerTo, api } from '../api/client.ts';
import { Dialog } from '../parts/dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { Waiting } from '../parts/waiting.tsx';

type Props = { onDone: (codes: string[] | null) => void; onClose: () => void };

/** Sets up an authenticator app: a picture to scan, and a code of the app as the proof. */
export function EnrollTotp({ onDone, onClose }: Props) {
  // A query, although it begins something: begun twice, the earlier secret is void.
  const begun = useQuery({
    queryKey: ['new-totp'],
    queryFn: () => answerTo(api.POST('/api/v1/platform/auth/totp')),
    ...{ gcTime: 0, staleTime: Number.POSITIVE_INFINITY, retry: false, refetchOnReconnect: false },
  });
  const activate = useMutation({
    mutationFn: (code: string) =>
      answerTo(api.POST('/api/v1/platform/auth/totp/activate', { body: { code } })),
    onSuccess: ({ recovery_codes }) => onDone(recovery_codes),
  });
  const faults = fieldFaults(activate.error, ['code'], { SECOND_FACTOR_INVALID: 'code' });
  if (begun.data === undefined) {
    return (
      <Dialog title="Set up an authenticator app" onClose={onClose}>
        <Stack>
          {begun.isError ? <FaultAlert error={begun.error} /> : <Waiting />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </Dialog>
    );
  }
  return (
    <FormDialog
      title="Set up an authenticator app"
      verb="Set up"
      isPending={activate.isPending}
      fault={faults.rest}
      onSubmit={(form) => activate.mutate(String(form.get('code')))}
      onClose={onClose}
    >
      <Text size="sm">Scan this with the app on your phone, then type the six digits that it shows.</Text>
      <Group justify="center">
        <QRCodeSVG value={begun.data.uri} size={192} marginSize={4} title="QR code for the app" />
      </Group>
      <Text size="sm">Or type this key into the app:</Text>
      <Code block tabIndex={0}>
        {begun.data.secret}
      </Code>
      <TextInput
        label="Code"
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        error={faults.of.code}
      />
    </FormDialog>
  );
}
