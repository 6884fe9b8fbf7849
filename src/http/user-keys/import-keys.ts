import { z } from 'zod';
import { unsetSettings } from '../../domain/user-key.ts';
import { getImportProgress } from '../../usecases/user-keys/get-import-progress.ts';
import { type Imported, type ImportParts, importKeys } from '../../usecases/user-keys/import-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { defineLinesRoute } from '../define-lines-route.ts';
import { environmentSlug, noBody, noParams, noQuery } from '../fields.ts';
import { lineLimits } from '../line-limits.ts';
import { defineRoute } from '../route.ts';
import { importBody, toForeignHash } from './import-schemas.ts';
import { endOf } from './key-schemas.ts';
import { toSettings } from './key-settings.ts';

const path = '/v1/flowplate/api-keys/import';
const access = masterKey('keys:import');
const { linesMax, bytesMax } = lineLimits;

const importAnswer = z.strictObject({
  status: z
    .enum(['imported', 'unchanged', 'importable'])
    .describe('`unchanged`: imported before, for the same owner. `importable`: of a dry run'),
  key_id: z.string().optional().describe('Of no key that a dry run has looked at'),
  user_id: z.string(),
  organization_id: z.string(),
  environment: environmentSlug,
});

export const importKeysRoute = defineLinesRoute({
  method: 'post',
  path,
  operationId: 'importKeys',
  summary: 'Import keys of another product by their hashes',
  description: `The body has one key a line (\`application/x-ndjson\`): its owner, its hash, and the options of a mint; at most ${linesMax} lines and ${bytesMax} bytes. The answer has one line for each, in order. Users go on with the keys that they have: a presented key that has one of the shapes in \`FOREIGN_KEY_PATTERNS\` is hashed as the imported ones were, and stored under the pepper at its first use. The same line again changes nothing. Policy, bounds and allow-lists hold as for a mint. See \`docs/import.md\`.`,
  access,
  params: noParams,
  query: z.strictObject({
    dry_run: z
      .enum(['true', 'false'])
      .optional()
      .describe('Says what an import would answer, and writes nothing'),
  }),
  body: importBody,
  success: { 200: 'One answer or error a line.' },
  answer: importAnswer,
  errors: [
    'KEY_ALREADY_EXISTS',
    'MINT_QUOTA_EXCEEDED',
    'ORGANIZATION_SUSPENDED',
    'ORGANIZATION_NOT_FOUND',
    'ENVIRONMENT_NOT_FOUND',
  ],
  async handleLines(parts: ImportParts, { query, caller }, lines) {
    const now = parts.clock.now();
    const requests = lines.map(({ body }) => ({
      userId: body.user_id,
      organizationId: body.organization_id,
      environment: body.environment ?? parts.environment,
      ...unsetSettings,
      ...toSettings(body),
      expiresAt: endOf(body, now) ?? null,
      foreign: toForeignHash(body),
    }));
    const outcomes = await importKeys(parts, caller, requests, { isDryRun: query.dry_run === 'true' });
    return outcomes.map((outcome, index) => answerOf(requests[index], outcome));
  },
});

function answerOf(
  owner: { userId: string; organizationId: string; environment: string } | undefined,
  outcome: PromiseSettledResult<Imported>,
): PromiseSettledResult<z.input<typeof importAnswer>> {
  if (outcome.status === 'rejected' || owner === undefined) {
    return { status: 'rejected', reason: 'reason' in outcome ? outcome.reason : undefined };
  }
  const { status, keyId } = outcome.value;
  const { userId, organizationId, environment } = owner;
  return {
    status: 'fulfilled',
    value: {
      status,
      ...(keyId !== undefined && { key_id: keyId }),
      user_id: userId,
      organization_id: organizationId,
      environment,
    },
  };
}

const counts = {
  total: z.int(),
  left: z.int().describe('Living keys that were not presented yet'),
  ended: z.int().describe('Revoked or expired before they were presented'),
};

export const getImportProgressRoute = defineRoute({
  method: 'get',
  path: `${path}/progress`,
  operationId: 'getImportProgress',
  summary: 'How many imported keys are left',
  description:
    'Imported keys that still wait for their first use, by algorithm: of the organizations and environments that the master key may use. A key that was used is stored like every other.',
  access,
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The counts.' },
  answer: z.strictObject({
    ...counts,
    by_algorithm: z.array(z.strictObject({ algorithm: z.string(), ...counts })),
  }),
  errors: [],
  async handle(parts: Parameters<typeof getImportProgress>[0], { caller }) {
    const progress = await getImportProgress(parts, caller.principal);
    const sum = (count: 'total' | 'left' | 'ended') => progress.reduce((all, one) => all + one[count], 0);
    return {
      status: 200,
      body: { total: sum('total'), left: sum('left'), ended: sum('ended'), by_algorithm: progress },
    };
  },
});
