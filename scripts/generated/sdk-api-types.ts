import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { routes } from '../../src/http/routes.ts';
import { openApiDocument } from '../api-document/api-document.ts';
import { projectRoot } from '../services/project-root.ts';
import { typesOfDocument } from './types-of-document.ts';

type Content = Record<string, { schema: object }>;
type Operation = {
  operationId: string;
  parameters?: { in: string; name: string; required?: boolean; schema: object; description?: string }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
};
type Document = { paths: Record<string, Record<string, Operation>> };

/**
 * The types of the API for the SDK, from the document: bodies, queries, and answers of successes, by
 * operation. Only those that `src/sdk` names: all of them would be five times as long.
 */
export function sdkApiTypes(): string {
  const document = openApiDocument(routes);
  const { paths } = JSON.parse(JSON.stringify(document)) as Document;
  const components = JSON.parse(JSON.stringify(document.components?.schemas ?? {})) as Record<string, object>;
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  const all: Record<string, object> = { ...components };
  for (const operation of operations) Object.assign(all, schemasOf(operation));
  const schemas = Object.fromEntries(namesInSdk().map((name) => [name, inlined(all[name], components)]));
  const { openapi, info } = document;
  // A member with a default may be left out of a request.
  const options = ['--default-non-nullable', 'false'];
  const types = typesOfDocument({ openapi, info, paths: {}, components: { schemas } }, options);
  return types.replace(/^export type \S+ = Record<string, never>;\n/gm, '');
}

/** `Api['MintKeyBody']` names the body of the operation `mintKey`. */
function namesInSdk(): string[] {
  const folder = join(projectRoot, 'src/sdk');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  const names = texts.flatMap((text) => [...text.matchAll(/\bApi\['(\w+)'\]/g)].map(([, name = '']) => name));
  return [...new Set(names)].sort();
}

/** Without references: what the SDK does not name is not there to be referred to. */
function inlined(schema: unknown, components: Record<string, object>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => inlined(item, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  if ('$ref' in schema) return inlined(components[String(schema.$ref).replace(/^.*\//, '')], components);
  return Object.fromEntries(
    Object.entries(schema).map(([name, inner]) => [name, inlined(inner, components)]),
  );
}

function schemasOf({ operationId, parameters = [], requestBody, responses }: Operation) {
  const name = operationId.charAt(0).toUpperCase() + operationId.slice(1);
  const body = requestBody && schemaOf(requestBody.content);
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const [answer] = Object.entries(responses).flatMap(([status, { content }]) =>
    status.startsWith('2') && content !== undefined ? [schemaOf(content)] : [],
  );
  return {
    ...(body !== undefined && { [`${name}Body`]: body }),
    ...(query.length > 0 && { [`${name}Query`]: toObjectSchema(query) }),
    ...(answer !== undefined && { [`${name}Answer`]: answer }),
  };
}

/** Of a body that has two media types, the schema of the first: plain JSON. */
function schemaOf(content: Content): object | undefined {
  return Object.values(content)[0]?.schema;
}

function toObjectSchema(parameters: NonNullable<Operation['parameters']>): object {
  return {
    type: 'object',
    properties: Object.fromEntries(
      parameters.map(({ name, schema, description }) => [
        name,
        description === undefined ? schema : { ...schema, description },
      ]),
    ),
    required: parameters.filter(({ required }) => required === true).map(({ name }) => name),
  };
}
