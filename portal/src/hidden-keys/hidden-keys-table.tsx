import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { StatusBadge } from '../api-keys/status-badge.tsx';
import { SkeletonRows } from '../parts/skeleton-rows.tsx';
import { Time } from '../parts/time.tsx';
import type { Revoked } from './revoke-hidden-keys.tsx';
import type { HiddenKey } from './use-hidden-keys.ts';

type Props = {
  /** Undefined while they are on their way. */
  hiddenKeys: HiddenKey[] | undefined;
  isManager: boolean;
  onDetails: (keyId: string) => void;
  onRevoke: (revoked: Revoked) => void;
};

const columns = ['Key', 'User', 'Organization', 'Environment', 'Last Used', 'Expires', 'Status', 'Actions'];

export function HiddenKeysTable({ hiddenKeys, ...rest }: Props) {
  return (
    <>
      <Table.ScrollContainer minWidth={980} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table
          verticalSpacing="sm"
          highlightOnHover
          aria-label="Hidden keys"
          aria-busy={hiddenKeys === undefined}
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {hiddenKeys === undefined && <SkeletonRows columns={columns.length} />}
            {hiddenKeys?.map((key) => (
              <HiddenKeyRow key={key.key_id} hiddenKey={key} {...rest} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {hiddenKeys?.length === 0 && <Text p="md">No key here. A backend mints them, with a master key.</Text>}
    </>
  );
}

type RowProps = Omit<Props, 'hiddenKeys'> & { hiddenKey: HiddenKey };

function HiddenKeyRow({ hiddenKey, isManager, onDetails, onRevoke }: RowProps) {
  const { key_id, key_prefix, user_id, status } = hiddenKey;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component="button" type="button" ff="monospace" size="sm" onClick={() => onDetails(key_id)}>
          {key_prefix}…
        </Anchor>
      </Table.Td>
      <Table.Td>{user_id}</Table.Td>
      <Table.Td>{hiddenKey.organization_id}</Table.Td>
      <Table.Td>{hiddenKey.environment}</Table.Td>
      <Table.Td>
        <Time at={hiddenKey.usage.last_used_at} none="Never" />
      </Table.Td>
      <Table.Td>
        <Time at={hiddenKey.expires_at} none="Never" as="date" />
      </Table.Td>
      <Table.Td>
        <StatusBadge status={status} />
      </Table.Td>
      <Table.Td>
        {isManager && status !== 'revoked' && (
          <Group gap={4}>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`Revoke ${key_prefix}`}
              onClick={() => onRevoke({ keyId: key_id, name: key_prefix })}
            >
              Revoke
            </Button>
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`Revoke all keys of ${user_id}`}
              onClick={() => onRevoke({ userId: user_id, name: `all keys of ${user_id}` })}
            >
              Revoke all
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
