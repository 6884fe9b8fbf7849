import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** A setting that names a PEM file; its value is the text in the file. */
export const pemFile = z.string().transform((file, context): string => {
  const text = readText(file);
  if (text.includes('-----BEGIN ')) return text;
  context.addIssue({ code: 'custom', message: text === '' ? 'cannot be read' : 'must name a PEM file' });
  return z.NEVER;
});

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
