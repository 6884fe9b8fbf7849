import { Anchor, Button, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { EnterTenant } from '../organizations/enter-organization.tsx';
import { useTenant } from '../organizations/use-organizations.ts';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Waiting } from '../parts/waiting.tsx';
import { useOwn } from '../sessions/me.ts';

/** Explains how to enter the tenant, after a link or after leaving it. */
export function EnterFirst({ tenantId }: { tenantId: string | undefined }) {
  return (
    <Stack align="flex-start">
      <Title order={1}>Environments</Title>
      <Text>Environments belong to a tenant. They are seen and changed from inside it.</Text>
      {tenantId === undefined ? (
        <Anchor component={Link} to="/tenants">
          Choose a tenant to enter
        </Anchor>
      ) : (
        <WayIn tenantId={tenantId} />
      )}
    </Stack>
  );
}

function WayIn({ tenantId }: { tenantId: string }) {
  const { may } = useOwn();
  const tenant = useTenant(tenantId);
  const [isEntering, setIsEntering] = useState(false);
  const mayEnter = may('platform:impersonate') || may('platform:impersonate:read');
  if (!mayEnter) return <Text>Your roles do not let you enter one.</Text>;
  if (tenant.isError) return <FaultAlert error={tenant.error} retry={() => void tenant.refetch()} />;
  if (tenant.data === undefined) return <Waiting />;
  return (
    <>
      <Button onClick={() => setIsEntering(true)}>Enter {tenant.data.name}</Button>
      {isEntering && (
        <EnterTenant
          tenant={tenant.data}
          to={`/environments?${new URLSearchParams({ tenant: tenantId })}`}
          onClose={() => setIsEntering(false)}
        />
      )}
    </>
  );
}
