import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchema } from '../../src/config.ts';
import { projectRoot } from '../services/project-root.ts';

const beginning = '    # The other settings of src/config.ts,';
const end = '    # End of the generated settings.';

/** Settings whose value in a container the compose file itself decides. */
const decidedByCompose = [
  'DATABASE_URL',
  'REDIS_URL',
  'HOST',
  'PORT',
  'METRICS_PORT',
  'WORKER_METRICS_PORT',
  'FLOWPLATE_PEPPERS',
  // Of the API alone: the worker holds no secret that it has no use for.
  'FLOWPLATE_MASTER_KEY',
  'LEAK_REPORTERS',
  'JOURNAL_BUCKET_URL',
  'JOURNAL_BUCKET_REGION',
  'JOURNAL_BUCKET_ACCESS_KEY_ID',
  'JOURNAL_BUCKET_SECRET_ACCESS_KEY',
  'OIDC_ISSUER',
  'OIDC_CLIENT_ID',
  'OIDC_CLIENT_SECRET',
  'OIDC_SCOPES',
  'OIDC_GROUPS_CLAIM',
  'OIDC_ROLES',
  'PASSWORD_LOGIN',
];

/** `docker-compose.yml`, with a line for each setting that comes from `.env`. */
export async function composeFile(): Promise<string> {
  const text = await readFile(join(projectRoot, 'docker-compose.yml'), 'utf8');
  const [before, after] = [text.indexOf(beginning), text.indexOf(end)];
  if (before === -1 || after < before)
    throw new Error('docker-compose.yml: the marks of the settings are gone');
  const firstLine = text.indexOf('\n', before) + 1;
  const names = Object.keys(configSchema.shape).filter((name) => !decidedByCompose.includes(name));
  const lines = names.map((name) => `    ${name}: \${${name}:-}\n`);
  return text.slice(0, firstLine) + lines.join('') + text.slice(after);
}
