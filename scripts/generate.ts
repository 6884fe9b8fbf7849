import { readFileSync, writeFileSync } from 'node:fs';
import { composeFile } from './generated/compose-file.ts';
import { configurationPage } from './generated/configuration-page.ts';
import { databaseTypes } from './generated/database-types.ts';
import { eventsPage } from './generated/events-page.ts';
import { eventsSchema } from './generated/events-schema.ts';
import { grafanaDashboard } from './generated/grafana-dashboard.ts';
import { githubPatternsFile, gitleaksFile, keyPatternsFile, trufflehogFile } from './generated/leak-rules.ts';
import { openApiFile } from './generated/open-api-file.ts';
import { portalApiTypes } from './generated/portal-api-types.ts';
import { prometheusRules } from './generated/prometheus-rules.ts';
import { pythonApiTypes } from './generated/python-api-types.ts';
import { sdkApiTypes } from './generated/sdk-api-types.ts';
import { projectRoot } from './services/project-root.ts';

/** Generated files. They are committed, so that reviews show their changes. */
const generated: Record<string, () => string | Promise<string>> = {
  'src/stores/postgres/schema.ts': databaseTypes,
  'docs/openapi.json': openApiFile,
  'docs/configuration.md': configurationPage,
  'docs/events.md': eventsPage,
  'docs/events.schema.json': eventsSchema,
  'docker-compose.yml': composeFile,
  'portal/src/api/schema.d.ts': portalApiTypes,
  'src/sdk/api-schema.ts': sdkApiTypes,
  'deploy/observability/grafana-dashboard.json': grafanaDashboard,
  'deploy/observability/prometheus-rules.yml': () => prometheusRules(),
  'deploy/leaks/flowplate-key-patterns.json': keyPatternsFile,
  'deploy/leaks/gitleaks.toml': gitleaksFile,
  'deploy/leaks/trufflehog.yml': trufflehogFile,
  'deploy/leaks/github-custom-patterns.yml': githubPatternsFile,
  'clients/python/src/flowplate_keys/_api_types.py': pythonApiTypes,
};

/** `--check` writes nothing, and fails when a file is out of date. */
const isCheck = process.argv.includes('--check');

for (const [file, generate] of Object.entries(generated)) {
  const path = new URL(file, `file://${projectRoot}/`);
  const text = await generate();
  const current = readIfThere(path);
  if (current === text) continue;
  if (isCheck) {
    console.error(`${file} is out of date: run node scripts/generate.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote ${file}`);
  }
}

function readIfThere(path: URL): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
