import { answerTo, api } from '../api/client.ts';
import { fieldFaults } from '../parts/field-faults.ts';
import { FormDialog } from '../parts/form-dialog.tsx';
import { type Bounds, BoundsFields, boundNames, readBounds } from './bounds-fields.tsx';
import { type MasterKey, useMasterKeyChange } from './use-master-keys.ts';

type Props = { masterKey: MasterKey; onClose: () => void };

/** Changes what a master key may mint; it holds for its next mint. */
export function ChangeBounds({ masterKey, onClose }: Props) {
  const { id, name } = masterKey;
  const change = useMasterKeyChange(
    (body: Bounds) =>
      answerTo(api.PATCH('/api/v1/platform/master-keys/{id}', { params: { path: { id } }, body })),
    onClose,
  );
  const faults = fieldFaults(change.error, boundNames);
  return (
    <FormDialog
      title={`Bounds of ${name}`}
      verb="Save"
      isPending={change.isPending}
      fault={faults.rest}
      onSubmit={(form) => change.mutate(readBounds(form))}
      onClose={onClose}
    >
      <BoundsFields bounds={masterKey} faults={faults.of} />
    </FormDialog>
  );
}
