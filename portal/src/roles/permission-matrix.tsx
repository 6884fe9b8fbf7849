import { Checkbox, Table } from '@mantine/core';
import { type Permission, useOwn } from '../sessions/me.ts';
import { areas } from './permission-areas.ts';

type Props = {
  granted: Permission[];
  onChange: (granted: Permission[]) => void;
  error: string | undefined;
};

/** Offers only permissions that the operator has. */
export function PermissionMatrix({ granted, onChange, error }: Props) {
  const { may } = useOwn();
  const cell = (permission: Permission, label: string) =>
    may(permission) && <Checkbox value={permission} aria-label={label} />;
  return (
    <Checkbox.Group
      label="Permissions"
      required
      value={granted}
      onChange={(chosen) => onChange(chosen as Permission[])}
      error={error}
    >
      <Table aria-label="Permissions">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>About</Table.Th>
            <Table.Th w={100}>Read</Table.Th>
            <Table.Th w={100}>Manage</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {areas
            .filter(({ read, manage }) => may(read) || may(manage))
            .map(({ label, read, manage }) => (
              <Table.Tr key={label}>
                <Table.Th scope="row">{label}</Table.Th>
                <Table.Td>{cell(read, `Read ${label}`)}</Table.Td>
                <Table.Td>{cell(manage, `Manage ${label}`)}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Checkbox.Group>
  );
}
