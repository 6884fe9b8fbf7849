import { z } from 'zod';
import {
  createImportSecret,
  deleteImportSecret,
  listImportSecrets,
} from '../../usecases/user-keys/import-secrets.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { importSecretName } from './import-schemas.ts';

const path = '/api/v1/platform/import-secrets';

const secretFields = {
  name: importSecretName,
  created_by: z.string(),
  created_at: timestampText,
};

type Kept = Awaited<ReturnType<typeof listImportSecrets>>[number];

function toAnswer({ name, createdBy, createdAt }: Kept) {
  return { name, created_by: createdBy, created_at: createdAt.toISOString() };
}

export const listImportSecretsRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listImportSecrets',
  summary: 'List import secrets',
  description: 'The names of the secrets with which imported HMACs are computed. Never the secrets.',
  access: platformCaller('platform:hidden_keys:read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'All of them, by name.' },
  answer: z.strictObject({ data: z.array(z.strictObject(secretFields)) }),
  errors: [],
  async handle(parts: Parameters<typeof listImportSecrets>[0]) {
    return { status: 200, body: { data: (await listImportSecrets(parts)).map(toAnswer) } };
  },
});

export const createImportSecretRoute = defineRoute({
  method: 'post',
  path,
  operationId: 'createImportSecret',
  summary: 'Keep an import secret',
  description:
    'The secret of the HMAC by which another product has stored its keys. It is sealed under the pepper and never shown again. Lines of an import name it.',
  access: platformCaller('platform:hidden_keys:manage'),
  params: noParams,
  query: noQuery,
  body: z
    .strictObject({
      name: importSecretName,
      secret: z.string().min(1).max(1_024),
      encoding: z
        .enum(['text', 'hex', 'base64'])
        .optional()
        .describe('How `secret` is written; `text` unless set'),
    })
    .superRefine(({ secret, encoding }, context) => {
      if (bytesOf(secret, encoding) !== undefined) return;
      context.addIssue({ code: 'custom', path: ['secret'], message: `must be ${encoding}` });
    }),
  success: { 201: 'Kept.' },
  answer: z.strictObject(secretFields),
  errors: ['IMPORT_SECRET_ALREADY_EXISTS'],
  async handle(parts: Parameters<typeof createImportSecret>[0], { body, caller }) {
    const secret = bytesOf(body.secret, body.encoding) ?? Buffer.of();
    return {
      status: 201,
      body: toAnswer(await createImportSecret(parts, caller, { name: body.name, secret })),
    };
  },
});

/** Undefined when it is not written so. */
function bytesOf(secret: string, encoding: 'text' | 'hex' | 'base64' = 'text'): Buffer | undefined {
  if (encoding === 'text') return Buffer.from(secret);
  const bytes = Buffer.from(secret, encoding);
  const again = bytes.toString(encoding).toLowerCase().replaceAll('=', '');
  return again === secret.toLowerCase().replaceAll('=', '') ? bytes : undefined;
}

export const deleteImportSecretRoute = defineRoute({
  method: 'delete',
  path: `${path}/:name`,
  operationId: 'deleteImportSecret',
  summary: 'Delete an import secret',
  description: 'Refused while a living key that was imported with it has not been used.',
  access: platformCaller('platform:hidden_keys:manage'),
  params: z.strictObject({ name: importSecretName }),
  query: noQuery,
  body: noBody,
  success: { 200: 'Deleted.' },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string() }),
  errors: ['IMPORT_SECRET_NOT_FOUND', 'IMPORT_SECRET_IN_USE'],
  async handle(parts: Parameters<typeof deleteImportSecret>[0], { params, caller }) {
    await deleteImportSecret(parts, caller, params.name);
    return { status: 200, body: { success: true as const, deleted: params.name } };
  },
});
