import { z } from 'zod';
import manifest from '../../../package.json' with { type: 'json' };
import { type DiagnosisParts, getDiagnosis } from '../../usecases/overview/get-diagnosis.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';

export const getDiagnosisRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/diagnosis',
  operationId: 'getDiagnosis',
  summary: 'What is wrong with the deployment, each with its fix',
  description:
    'Settings of Postgres and Redis that break guarantees, clocks that differ, pending migrations, a worker that is silent, and dangerous configuration, as the answering process sees them. `flowplate doctor` prints it. Expect further codes.',
  access: platformCaller('platform:keys:read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The findings, errors first; an empty list when all is well.' },
  answer: z.strictObject({
    version: z.string().describe('Of the broker'),
    postgres_version: z.string(),
    redis_version: z.string().nullable().describe('null while Redis does not answer'),
    server_time: timestampText.describe("The answering process's own clock"),
    findings: z.array(
      z.strictObject({
        code: z.string(),
        severity: z.enum(['error', 'warning']),
        where: z.string().describe('The part that is wrong'),
        message: z.string(),
        fix: z.string(),
      }),
    ),
  }),
  errors: [],
  async handle(parts: DiagnosisParts) {
    const { postgresVersion, redisVersion, nowMs, findings } = await getDiagnosis(parts);
    return {
      status: 200,
      body: {
        version: manifest.version,
        postgres_version: postgresVersion,
        redis_version: redisVersion,
        server_time: new Date(nowMs).toISOString(),
        findings,
      },
    };
  },
});
