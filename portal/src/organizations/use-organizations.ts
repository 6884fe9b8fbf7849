import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answerTo, api, pageOf } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';

export type Tenant =
  paths['/api/v1/platform/tenants']['get']['responses'][200]['content']['application/json'][number];
export type ShownTenant =
  paths['/api/v1/platform/tenants/{id}']['get']['responses'][200]['content']['application/json'];

export type TenantFilter = { name: string; status: string; cursor: string };

const tenantsKey = 'tenants';

export function useTenants({ name, status, cursor }: TenantFilter) {
  const query = {
    limit: 25,
    ...(name !== '' && { name }),
    ...(status !== '' && { status: status as Tenant['status'] }),
    ...(cursor !== '' && { cursor }),
  };
  return useQuery({
    queryKey: [tenantsKey, 'list', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/tenants', { params: { query } })),
    placeholderData: keepPreviousData,
  });
}

export function useTenant(id: string) {
  return useQuery({
    queryKey: [tenantsKey, 'one', id],
    queryFn: () => answerTo(api.GET('/api/v1/platform/tenants/{id}', { params: { path: { id } } })),
  });
}

/** Newest hundred tenants with this name, for a choice. */
export function useTenantChoice(name: string, enabled: boolean) {
  const query = { limit: 100, ...(name !== '' && { name }) };
  return useQuery({
    queryKey: [tenantsKey, 'choice', query],
    queryFn: () => pageOf(api.GET('/api/v1/platform/tenants', { params: { query } })),
    placeholderData: keepPreviousData,
    enabled,
  });
}

export function useTenantChange<Wanted, Done>(
  change: (wanted: Wanted) => Promise<Done>,
  onDone: (done: Done) => void,
) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async (done) => {
      await queryClient.invalidateQueries({ queryKey: [tenantsKey] });
      onDone(done);
    },
  });
}
