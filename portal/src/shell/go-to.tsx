import '@mantine/spotlight/styles.css';
import { ActionIcon, Button, Kbd } from '@mantine/core';
import { Spotlight, spotlight } from '@mantine/spotlight';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { withoutSecrets } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { destinationsOf } from './destinations.ts';
import { isThere, places } from './navigation.ts';

/**
 * Command palette: a pasted key, an id, a user or a trace id leads to its view. A secret is cut to
 * its prefix in the field.
 */
export function GoTo() {
  const { may, inside } = useOwn();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const wanted = text.trim();
  const views = places
    .filter((place) => isThere(place, inside !== undefined))
    .filter(({ label }) => label.toLowerCase().includes(wanted.toLowerCase()))
    .map(({ to, label, need }) => ({ to, label, need }));
  const found = destinationsOf(wanted).filter(({ where }) => where === undefined || inside === undefined);
  const offered = [...(wanted === '' ? [] : views), ...found, ...(wanted === '' ? views : [])].filter(
    ({ need }) => may(need),
  );
  return (
    <Spotlight.Root
      query={text}
      onQueryChange={(typed) => setText(withoutSecrets(typed))}
      // Also while a filter has the focus.
      tagsToIgnore={[]}
      scrollable
      title="Go to"
      styles={{ header: { minHeight: 0, padding: '0.75rem 1rem 0' } }}
    >
      <Spotlight.Search placeholder="Key, its beginning, an id, a user, a trace id" aria-label="Go to" />
      <Spotlight.ActionsList>
        {offered.map(({ to, label }) => (
          <Spotlight.Action key={to} label={label} onClick={() => void navigate(to)} />
        ))}
        {offered.length === 0 && <Spotlight.Empty>Nothing that you may see looks like this.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

export function GoToButton() {
  return (
    <>
      <ActionIcon hiddenFrom="sm" variant="default" size="lg" aria-label="Go to" onClick={spotlight.open}>
        <span aria-hidden>⌕</span>
      </ActionIcon>
      <Button
        visibleFrom="sm"
        variant="default"
        px="sm"
        onClick={spotlight.open}
        rightSection={<Kbd aria-hidden>Ctrl K</Kbd>}
      >
        Go to
      </Button>
    </>
  );
}
