import { ApiFault } from '../api/fault.ts';

/** Codes of refusals that concern one field without naming it. */
type ByCode = Readonly<Record<string, string>>;

export type FieldFaults<Field extends string> = {
  of: Partial<Record<Field, string>>;
  /** Errors that no field shows. */
  rest: unknown;
};

/** Splits an error into messages beside fields and the rest. */
export function fieldFaults<Field extends string>(
  error: unknown,
  fields: readonly Field[],
  byCode: ByCode = {},
): FieldFaults<Field> {
  if (error === null) return { of: {}, rest: undefined };
  if (!(error instanceof ApiFault)) return { of: {}, rest: error };
  const field = byCode[error.code];
  const told = field === undefined ? error.fields : { ...error.fields, [field]: error.message };
  const shown = fields.filter((name) => told[name] !== undefined).map((name) => [name, told[name]]);
  const isAllShown = shown.length > 0 && shown.length === Object.keys(told).length;
  return { of: Object.fromEntries(shown), rest: isAllShown ? undefined : error };
}
