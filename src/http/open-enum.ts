import { z } from 'zod';

/**
 * Open enumeration: the known values, and any other text in the API document. Generated clients
 * then keep working when a later version has a new code.
 */
export function openEnum<const Values extends readonly string[]>(values: Values) {
  return z.enum(values).meta({
    override: ({ jsonSchema }) => {
      delete jsonSchema.type;
      delete jsonSchema.enum;
      Object.assign(jsonSchema, { anyOf: [{ type: 'string', enum: [...values] }, { type: 'string' }] });
    },
  });
}
