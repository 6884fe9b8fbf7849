import { AppShell, Burger, Group, NavLink, Text } from '@mantine/core';
import { useDisclosure, useDocumentTitle } from '@mantine/hooks';
import { Suspense, useState } from 'react';
import { Link, Navigate, Outlet, useLocation } from 'react-router';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { useUnsavedForms } from '../parts/unsaved-forms.ts';
import { ViewBoundary } from '../parts/view-boundary.tsx';
import { Waiting } from '../parts/waiting.tsx';
import { insideOf } from '../sessions/inside.ts';
import { LogInAgain } from '../sessions/log-in-again.tsx';
import { type Me, MeContext, may } from '../sessions/me.ts';
import { StepUpDialog } from '../sessions/step-up-dialog.tsx';
import { useMe } from '../sessions/use-me.ts';
import { AccountMenu } from './account-menu.tsx';
import { ColorSchemeSwitch } from './color-scheme-switch.tsx';
import { GoTo, GoToButton } from './go-to.tsx';
import { InsideBanner } from './inside-banner.tsx';
import { isThere, placeAt, places, titleOf } from './navigation.ts';
import { OutsideOnly } from './outside-only.tsx';

/** Frame around every view. Without a session it shows the login. */
export function Shell() {
  const me = useMe();
  const isUnsaved = useUnsavedForms();
  const [last, setLast] = useState<Me | null>(null);
  const { pathname, search } = useLocation();
  if (me.isPending) return <Waiting />;
  if (me.data === undefined) return <FaultAlert error={me.error} retry={() => void me.refetch()} />;
  if (me.data !== null && me.data !== last) setLast(me.data);
  const isOver = me.data === null;
  const shown = me.data ?? (isUnsaved ? last : null);
  if (shown === null) {
    const next = pathname === '/' ? '' : `?reason=ended&next=${encodeURIComponent(pathname + search)}`;
    return <Navigate to={`/login${next}`} replace />;
  }
  return (
    <MeContext value={shown}>
      <Frame me={shown} />
      {isOver && <LogInAgain me={shown} />}
      <StepUpDialog key={shown.id} />
    </MeContext>
  );
}

function Frame({ me }: { me: Me }) {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  const inside = insideOf(me.id);
  const place = placeAt(pathname);
  const isOutsideOnly = inside !== undefined && place?.where === 'outside';
  useDocumentTitle(titleOf(pathname));
  if (me.lacks_second_factor && pathname !== '/account') return <Navigate to="/account" replace />;
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="lg"
    >
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Text fw={700} fz={{ base: 'sm', sm: 'md' }} style={{ whiteSpace: 'nowrap' }}>
              Flowplate Keys
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            {!me.lacks_second_factor && <GoToButton />}
            <ColorSchemeSwitch />
            <AccountMenu name={me.name} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Main">
        {places
          .filter(
            (place) => !me.lacks_second_factor && may(me, place.need) && isThere(place, inside !== undefined),
          )
          .map(({ to, label }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              active={pathname.startsWith(to)}
              aria-current={pathname.startsWith(to) ? 'page' : undefined}
              onClick={close}
            />
          ))}
      </AppShell.Navbar>
      {!me.lacks_second_factor && <GoTo />}
      <AppShell.Main id="content" tabIndex={-1}>
        {inside !== undefined && <InsideBanner inside={inside} />}
        {/* Without a key: while the next view is loaded, the last one stays. */}
        <Suspense fallback={<Waiting />}>
          <ViewBoundary key={pathname}>
            {isOutsideOnly ? <OutsideOnly inside={inside} label={place.label} /> : <Outlet />}
          </ViewBoundary>
        </Suspense>
      </AppShell.Main>
    </AppShell>
  );
}
