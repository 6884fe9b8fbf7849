import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { cancelJob } from '../../usecases/user-keys/cancel-job.ts';
import { getJob } from '../../usecases/user-keys/get-job.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { jobAnswer, jobId, toJobAnswer } from './job-answers.ts';

type Asked = { params: { job_id: string }; caller: Caller };

const ofJob = {
  params: z.strictObject({ job_id: jobId }),
  query: noQuery,
  body: noBody,
  answer: jobAnswer,
} as const;

const getsJob = {
  ...ofJob,
  method: 'get',
  description:
    'How far an order about many keys has come. Visible to the master key that ordered it, and to operators. `propagation` is that of all its keys: `pending` while some are still to be changed.',
  success: { 200: 'The job.' },
  errors: ['JOB_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }: Asked) {
    const state = await getJob(parts, caller, params.job_id);
    return { status: 200, body: toJobAnswer(state, caller.principal) };
  },
} as const;

const cancelsJob = {
  ...ofJob,
  method: 'post',
  description:
    'Ends the job before its next batch. Keys that it has changed stay so. Cancelling a job that is over is a success without effect. The job of a stop cannot be cancelled: its keys are refused already.',
  success: { 200: 'The job as it is now.' },
  errors: ['JOB_NOT_FOUND', 'JOB_NOT_CANCELLABLE'],
  async handle(parts: ChangeParts, { params, caller }: Asked) {
    const state = await cancelJob(parts, caller, params.job_id);
    return { status: 200, body: toJobAnswer(state, caller.principal) };
  },
} as const;

export const getJobRoute = defineRoute({
  ...getsJob,
  path: '/v1/flowplate/jobs/:job_id',
  operationId: 'getJob',
  summary: 'Progress of an order about many keys',
  access: masterKey('keys:bulk'),
});

export const cancelJobRoute = defineRoute({
  ...cancelsJob,
  path: '/v1/flowplate/jobs/:job_id/cancel',
  operationId: 'cancelJob',
  summary: 'Cancel an order about many keys',
  access: masterKey('keys:bulk'),
});

export const getJobForPlatformRoute = defineRoute({
  ...getsJob,
  path: '/api/v1/platform/jobs/:job_id',
  operationId: 'getPlatformJob',
  summary: 'Progress of an order about many hidden keys',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
});

export const cancelJobForPlatformRoute = defineRoute({
  ...cancelsJob,
  path: '/api/v1/platform/jobs/:job_id/cancel',
  operationId: 'cancelPlatformJob',
  summary: 'Cancel an order about many hidden keys',
  access: platformCaller('platform:hidden_keys:manage', 'confined'),
});
