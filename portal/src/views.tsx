import { lazy, Suspense } from 'react';
import { Route, Routes } from 'react-router';
import { ViewBoundary } from './parts/view-boundary.tsx';
import { Waiting } from './parts/waiting.tsx';
import { LoginPage } from './sessions/login-page.tsx';

// Loaded on demand: the login does not need it.
const Shell = lazy(() => import('./shell/shell.tsx').then(({ Shell }) => ({ default: Shell })));
const Home = lazy(() => import('./shell/home.tsx').then(({ Home }) => ({ default: Home })));
const OverviewPage = lazy(() =>
  import('./overview/overview-page.tsx').then(({ OverviewPage }) => ({ default: OverviewPage })),
);
const NoView = lazy(() => import('./shell/no-view.tsx').then(({ NoView }) => ({ default: NoView })));
const UsersPage = lazy(() =>
  import('./platform-users/platform-users-page.tsx').then(({ UsersPage }) => ({ default: UsersPage })),
);
const ApiKeysPage = lazy(() =>
  import('./api-keys/api-keys-page.tsx').then(({ ApiKeysPage }) => ({ default: ApiKeysPage })),
);
const HiddenKeysPage = lazy(() =>
  import('./user-keys/user-keys-page.tsx').then(({ HiddenKeysPage }) => ({ default: HiddenKeysPage })),
);
const TenantsPage = lazy(() =>
  import('./organizations/organizations-page.tsx').then(({ TenantsPage }) => ({ default: TenantsPage })),
);
const EnvironmentsPage = lazy(() =>
  import('./environments/environments-page.tsx').then(({ EnvironmentsPage }) => ({
    default: EnvironmentsPage,
  })),
);
const RolesPage = lazy(() =>
  import('./roles/roles-page.tsx').then(({ RolesPage }) => ({ default: RolesPage })),
);
const MasterKeysPage = lazy(() =>
  import('./master-keys/master-keys-page.tsx').then(({ MasterKeysPage }) => ({ default: MasterKeysPage })),
);
const AuditPage = lazy(() =>
  import('./audit/audit-page.tsx').then(({ AuditPage }) => ({ default: AuditPage })),
);
const UsagePage = lazy(() =>
  import('./usage/usage-page.tsx').then(({ UsagePage }) => ({ default: UsagePage })),
);
const AccountPage = lazy(() =>
  import('./sessions/account-page.tsx').then(({ AccountPage }) => ({ default: AccountPage })),
);

const DevicePage = lazy(() =>
  import('./sessions/device-page.tsx').then(({ DevicePage }) => ({ default: DevicePage })),
);

/** All addresses of the portal, below /platform. */
export function Views() {
  return (
    <ViewBoundary>
      <Suspense fallback={<Waiting />}>
        <Routes>
          <Route path="login" element={<LoginPage />} />
          <Route element={<Shell />}>
            <Route index element={<Home />} />
            <Route path="overview" element={<OverviewPage />} />
            <Route path="users" element={<UsersPage />} />
            <Route path="api-keys" element={<ApiKeysPage />} />
            <Route path="hidden-keys" element={<HiddenKeysPage />} />
            <Route path="tenants" element={<TenantsPage />} />
            <Route path="environments" element={<EnvironmentsPage />} />
            <Route path="roles" element={<RolesPage />} />
            <Route path="master-keys" element={<MasterKeysPage />} />
            <Route path="audit" element={<AuditPage />} />
            <Route path="usage" element={<UsagePage />} />
            <Route path="account" element={<AccountPage />} />
            <Route path="device" element={<DevicePage />} />
            <Route path="*" element={<NoView />} />
          </Route>
        </Routes>
      </Suspense>
    </ViewBoundary>
  );
}
