import { z } from 'zod';
import { configSchema } from '../../src/config.ts';
import { secretSettings } from '../../src/secret-files.ts';

type Setting = {
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  enum?: string[];
};

/** Renders every setting of `config.ts` as a table. */
export function configurationPage(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const setting = property as Setting;
    return `| \`${name}\` | ${initial(setting, required.has(name))} | ${setting.description ?? ''}${range(setting)} |`;
  });
  return [
    '# Configuration',
    '',
    'Everything is set by environment variables, read once at the start. A missing or dangerous setting stops the process with one',
    'line that names it. This page is generated from `src/config.ts` by `node scripts/generate.ts`.',
    '',
    `Secrets may stand in files, as orchestrators mount them: ${secretSettings.map((name) => `\`${name}_FILE\``).join(', ')}.`,
    'The file has nothing but the value; one line end after it is ignored. It is read at the start. Both variables at once stop the process.',
    '',
    '| variable | default | purpose |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function initial(setting: Setting, isRequired: boolean): string {
  if (setting.default !== undefined)
    return setting.default === '' ? 'empty' : `\`${String(setting.default)}\``;
  return isRequired ? '**required**' : 'not set';
}

function range(setting: Setting): string {
  if (setting.enum !== undefined) return ` One of ${setting.enum.map((value) => `\`${value}\``).join(', ')}.`;
  if (setting.minimum === undefined || setting.maximum === undefined) return '';
  return ` ${setting.minimum} to ${setting.maximum}.`;
}
