import { lazy, Suspense } from 'react';
import { Route, Routes } from 'react-router';
import { OnDemand, Shown } from './on-demand.tsx';
import { ViewBoundary } from './parts/view-boundary.tsx';
import { Waiting } from './parts/waiting.tsx';
import { LoginPage } from './sessions/login-page.tsx';

// Loaded on demand: the login does not need it.
const shell = new OnDemand(() => import('./shell/shell.tsx').then(({ Shell }) => ({ default: Shell })));
const NoView = lazy(() => import('./shell/no-view.tsx').then(({ NoView }) => ({ default: NoView })));

/** Views inside the shell by path, each loaded on demand; '' is the first one. */
const views: Record<string, OnDemand> = {
  '': new OnDemand(() => import('./shell/home.tsx').then(({ Home }) => ({ default: Home }))),
  overview: new OnDemand(() =>
    import('./overview/overview-page.tsx').then(({ OverviewPage }) => ({ default: OverviewPage })),
  ),
  users: new OnDemand(() =>
    import('./platform-users/platform-users-page.tsx').then(({ UsersPage }) => ({ default: UsersPage })),
  ),
  'api-keys': new OnDemand(() =>
    import('./api-keys/api-keys-page.tsx').then(({ ApiKeysPage }) => ({ default: ApiKeysPage })),
  ),
  'hidden-keys': new OnDemand(() =>
    import('./user-keys/user-keys-page.tsx').then(({ HiddenKeysPage }) => ({ default: HiddenKeysPage })),
  ),
  leaks: new OnDemand(() =>
    import('./leaks/leaks-page.tsx').then(({ LeaksPage }) => ({ default: LeaksPage })),
  ),
  hygiene: new OnDemand(() =>
    import('./hygiene/hygiene-page.tsx').then(({ HygienePage }) => ({ default: HygienePage })),
  ),
  tenants: new OnDemand(() =>
    import('./organizations/organizations-page.tsx').then(({ TenantsPage }) => ({ default: TenantsPage })),
  ),
  environments: new OnDemand(() =>
    import('./environments/environments-page.tsx').then(({ EnvironmentsPage }) => ({
      default: EnvironmentsPage,
    })),
  ),
  roles: new OnDemand(() =>
    import('./roles/roles-page.tsx').then(({ RolesPage }) => ({ default: RolesPage })),
  ),
  'master-keys': new OnDemand(() =>
    import('./master-keys/master-keys-page.tsx').then(({ MasterKeysPage }) => ({ default: MasterKeysPage })),
  ),
  audit: new OnDemand(() =>
    import('./audit/audit-page.tsx').then(({ AuditPage }) => ({ default: AuditPage })),
  ),
  events: new OnDemand(() =>
    import('./events/events-page.tsx').then(({ EventsPage }) => ({ default: EventsPage })),
  ),
  webhooks: new OnDemand(() =>
    import('./webhooks/webhooks-page.tsx').then(({ WebhooksPage }) => ({ default: WebhooksPage })),
  ),
  usage: new OnDemand(() =>
    import('./usage/usage-page.tsx').then(({ UsagePage }) => ({ default: UsagePage })),
  ),
  account: new OnDemand(() =>
    import('./sessions/account-page.tsx').then(({ AccountPage }) => ({ default: AccountPage })),
  ),
  device: new OnDemand(() =>
    import('./sessions/device-page.tsx').then(({ DevicePage }) => ({ default: DevicePage })),
  ),
};

/** Loads the scripts of a view inside the shell, all at once. */
export async function preloadView(path: string): Promise<void> {
  const view = views[path];
  if (view === undefined) return;
  // A failure shows at the view itself, which loads the same.
  await Promise.all([shell.preload(), view.preload()]).catch(() => undefined);
}

/** All addresses of the portal, below /platform. */
export function Views() {
  return (
    <ViewBoundary>
      <Suspense fallback={<Waiting />}>
        <Routes>
          <Route path="login" element={<LoginPage />} />
          <Route element={<Shown view={shell} />}>
            {Object.entries(views).map(([path, view]) => (
              <Route key={path} path={path} element={<Shown key={path} view={view} />} />
            ))}
            <Route path="*" element={<NoView />} />
          </Route>
        </Routes>
      </Suspense>
    </ViewBoundary>
  );
}
