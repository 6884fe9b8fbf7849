import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { EnterFirst } from './enter-first.tsx';
import { LeaveFirst } from './leave-first.tsx';
import { TenantEnvironments } from './organization-environments.tsx';

/**
 * Environments of the impersonated tenant. If the address names another tenant, that one must be
 * entered first.
 */
export function EnvironmentsPage() {
  const { inside } = useOwn();
  const [read] = useSearchState();
  const wanted = read('tenant') || inside?.id;
  if (inside !== undefined && inside.id === wanted) return <TenantEnvironments inside={inside} />;
  return inside === undefined ? <EnterFirst tenantId={wanted} /> : <LeaveFirst inside={inside} />;
}
