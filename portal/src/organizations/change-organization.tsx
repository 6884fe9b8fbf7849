import { Text } from '@mantine/core';
import { useState } from 'react';
import { answerTo, api } from '../api/client.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Outcome, type Propagated } from '../parts/outcome.tsx';
import { type Tenant, useTenantChange } from './use-organizations.ts';

export type TenantAction = 'suspend' | 'resume' | 'delete';

const texts: Record<TenantAction, { verb: string; done: string; consequence: string; complete: string }> = {
  suspend: {
    verb: 'Suspend',
    done: 'suspended',
    consequence: 'All its keys are refused at once, those of its users and its own, until it is resumed.',
    complete: 'No verifier anywhere accepts a key of it.',
  },
  resume: {
    verb: 'Resume',
    done: 'resumed',
    consequence: 'Its keys are good again.',
    complete: 'Every verifier accepts its keys.',
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    consequence:
      'All its keys are refused at once and for good, and its id cannot be used again. Usage and audit stay. This cannot be undone.',
    complete: 'No verifier anywhere accepts a key of it.',
  },
};

type Props = { action: TenantAction; tenant: Tenant; onClose: () => void };

export function ChangeTenant({ action, tenant, onClose }: Props) {
  const [propagated, setPropagated] = useState<Propagated | null>(null);
  const change = useTenantChange(() => send(action, tenant.id), setPropagated);
  const { verb, done, consequence, complete } = texts[action];
  return (
    <ConfirmDialog
      title={`${verb} ${tenant.name}`}
      verb={`${verb} ${tenant.name}`}
      color={action === 'resume' ? 'blue' : 'red'}
      change={change}
      onConfirm={() => change.mutate(undefined)}
      onClose={onClose}
      outcome={
        propagated === null ? undefined : (
          <Outcome title={`${tenant.name} is ${done}`} complete={complete} propagated={propagated} />
        )
      }
    >
      <Text>{consequence}</Text>
    </ConfirmDialog>
  );
}

function send(action: TenantAction, id: string): Promise<Propagated> {
  const params = { path: { id } };
  if (action === 'delete') return answerTo(api.DELETE('/api/v1/platform/tenants/{id}', { params }));
  const status = action === 'suspend' ? 'suspended' : 'active';
  return answerTo(api.PATCH('/api/v1/platform/tenants/{id}', { params, body: { status } }));
}
