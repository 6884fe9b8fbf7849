import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { EnterFirst } from './enter-first.tsx';
import { TenantEnvironments } from './organization-environments.tsx';

/**
 * The environments of the tenant that one works inside of. The address may name another: then that
 * one has to be entered first.
 */
export function EnvironmentsPage() {
  const { inside } = useOwn();
  const [read] = useSearchState();
  const wanted = read('tenant') || inside?.id;
  if (inside !== undefined && inside.id === wanted) return <TenantEnvironments inside={inside} />;
  return <EnterFirst tenantId={wanted} />;
}
