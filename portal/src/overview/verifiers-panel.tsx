import { Badge, Code, Table, Text } from '@mantine/core';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import { PanelTable } from './panel-table.tsx';
import { useVerifiers, type Verifiers } from './use-overview.ts';

const shownMax = 10;
/** Enough of a UUID to distinguish a few. */
const idShownMax = 8;
export function VerifiersPanel() {
  const verifiers = useVerifiers();
  return (
    <Panel title="Verifiers" query={verifiers} height={230}>
      {({ live, lapsed, data }) => (
        <>
          <Text size="sm">
            {number(live)} live, {number(lapsed)} lapsed. A revoke waits until each live one has applied it,
            or its lease is over: one that stays behind slows down every revoke. One that has lapsed asks the
            database.
          </Text>
          {data.length === 0 ? (
            <Text>No process verifies from memory. Every call asks the database.</Text>
          ) : (
            <PanelTable
              label="Verifiers"
              columns={['Verifier', 'State', 'Lease', 'Behind', 'Started']}
              minWidth={480}
            >
              {data.slice(0, shownMax).map((verifier) => (
                <Row key={verifier.id} verifier={verifier} />
              ))}
            </PanelTable>
          )}
          {data.length > shownMax && (
            <Text size="sm">And {number(live + lapsed - shownMax)} more, none of them further behind.</Text>
          )}
        </>
      )}
    </Panel>
  );
}

function Row({ verifier }: { verifier: Verifiers['data'][number] }) {
  const isLive = verifier.state === 'live';
  return (
    <Table.Tr>
      <Table.Td>
        {verifier.kind === 'api' ? 'API process' : 'In a gateway'}
        <Text size="sm">
          <Code>{verifier.id.slice(0, idShownMax)}</Code>
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="dot" color={isLive ? 'green' : 'gray'}>
          {isLive ? 'Live' : 'Lapsed'}
        </Badge>
      </Table.Td>
      <Table.Td>
        {isLive ? (
          // By the server's clock: a browser's may be wrong by more than a lease.
          `${Math.ceil(verifier.lease_left_ms / 1_000)} s left`
        ) : (
          <Time at={verifier.lease_until} none="—" />
        )}
      </Table.Td>
      <Table.Td>{verifier.behind === 0 ? 'Up to date' : changes(verifier.behind)}</Table.Td>
      <Table.Td>
        <Time at={verifier.started_at} none="—" />
      </Table.Td>
    </Table.Tr>
  );
}

function changes(count: number): string {
  return count === 1 ? '1 change' : `${number(count)} changes`;
}
