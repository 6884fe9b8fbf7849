import { routes } from '../../src/http/routes.ts';
import { openApiDocument } from '../api-document/api-document.ts';

type Schema = {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  enum?: string[];
  const?: unknown;
  description?: string;
};
type Content = { 'application/json'?: { schema: Schema } };
type Operation = {
  operationId: string;
  parameters?: { in: string; name: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/** Names of the Python types, with the operation and the part of it that each one is. */
const types: readonly (readonly [name: string, operationId: string, part: 'body' | 'query' | 'answer'])[] = [
  ['Verdict', 'verifyKey', 'answer'],
  ['VerifyRequest', 'verifyKey', 'body'],
  ['MintRequest', 'mintKey', 'body'],
  ['MintedKey', 'mintKey', 'answer'],
  ['RefreshRequest', 'refreshKey', 'body'],
  ['Refreshed', 'refreshKey', 'answer'],
  ['Revoked', 'revokeKey', 'answer'],
  ['Key', 'getKey', 'answer'],
  ['KeyFilter', 'listKeys', 'query'],
  ['KeyPage', 'listKeys', 'answer'],
  ['KeyChanges', 'updateKey', 'body'],
  ['UpdatedKey', 'updateKey', 'answer'],
  ['UsageRange', 'getKeyUsage', 'query'],
  ['KeyUsage', 'getKeyUsage', 'answer'],
  ['Introspection', 'introspectKey', 'answer'],
];

// Python's own words, and the cursor, which the client's `list` follows itself.
const keywords: readonly string[] = ['from'];
const leftOut: readonly string[] = ['cursor'];

/** The `TypedDict`s of `clients/python`, from the API document. */
export function pythonApiTypes(): string {
  const document = JSON.parse(JSON.stringify(openApiDocument(routes))) as Document;
  const module = new PythonModule(document.components.schemas);
  for (const [name, operationId, part] of types) {
    module.add(name, schemaOf(document, operationId, part), part === 'answer');
  }
  return module.text();
}

function schemaOf({ paths }: Document, operationId: string, part: 'body' | 'query' | 'answer'): Schema {
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  const operation = operations.find((one) => one.operationId === operationId);
  if (operation === undefined) throw new Error(`the API has no operation ${operationId}`);
  if (part === 'query') return querySchema(operation);
  const [, success] = Object.entries(operation.responses).find(([status]) => status.startsWith('2')) ?? [];
  const content = part === 'body' ? operation.requestBody?.content : success?.content;
  const schema = content?.['application/json']?.schema;
  if (schema === undefined) throw new Error(`${operationId} has no ${part} in JSON`);
  return schema;
}

function querySchema({ parameters = [] }: Operation): Schema {
  const named = parameters.filter(({ in: place, name }) => place === 'query' && !leftOut.includes(name));
  return { type: 'object', properties: Object.fromEntries(named.map(({ name, schema }) => [name, schema])) };
}

/** Classes in the order in which Python needs them; equal shapes are one class. */
class PythonModule {
  readonly #components: Record<string, Schema>;
  readonly #names = new Map<string, string>();
  readonly #classes: string[] = [];
  #isAnswer = false;

  constructor(components: Record<string, Schema>) {
    this.#components = components;
  }

  add(name: string, schema: Schema, isAnswer: boolean): void {
    this.#isAnswer = isAnswer;
    const resolved = this.#resolved(schema);
    const type = this.#typeOf(name, resolved);
    if (type !== name) this.#classes.push(`${name}: TypeAlias = ${type}\n`);
  }

  text(): string {
    const head = [
      '"""Types of the API\'s JSON. Generated from the API document by scripts/generate.ts."""',
      '',
      'from typing import Any, Literal, NotRequired, TypeAlias, TypedDict',
    ];
    return `${head.join('\n')}\n\n\n${this.#classes.join('\n\n')}`;
  }

  #resolved(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const component = this.#components[schema.$ref.split('/').at(-1) ?? ''];
    if (component === undefined) throw new Error(`the API document has no ${schema.$ref}`);
    return component;
  }

  #typeOf(name: string, given: Schema): string {
    const schema = this.#resolved(given);
    if (schema.anyOf !== undefined) return this.#union(name, schema.anyOf);
    if (Array.isArray(schema.type)) {
      return this.#union(
        name,
        schema.type.map((type) => ({ ...schema, type })),
      );
    }
    if (schema.const !== undefined) return `Literal[${literal(schema.const)}]`;
    // A list that grows is any text for a type checker.
    const isOpen = /further/i.test(schema.description ?? '');
    if (schema.enum !== undefined && !isOpen) return `Literal[${schema.enum.map(literal).join(', ')}]`;
    if (schema.type === 'array') return `list[${this.#typeOf(singular(name), schema.items ?? {})}]`;
    if (schema.type === 'object' && schema.properties !== undefined) return this.#classOf(name, schema);
    if (schema.type === 'object') return 'dict[str, Any]';
    return simple[schema.type ?? ''] ?? 'Any';
  }

  #union(name: string, members: readonly Schema[]): string {
    return [...new Set(members.map((member) => this.#typeOf(name, member)))].join(' | ');
  }

  #classOf(name: string, { properties = {}, required = [] }: Schema): string {
    const members = Object.entries(properties).map(([member, schema]): [string, string] => {
      const type = this.#typeOf(nestedName(name, member), schema);
      return [member, required.includes(member) ? type : `NotRequired[${type}]`];
    });
    const shape = JSON.stringify(members);
    const known = this.#names.get(shape);
    if (known !== undefined) return known;
    this.#names.set(shape, name);
    const isFunctional = this.#isAnswer && members.some(([member]) => keywords.includes(member));
    this.#classes.push(isFunctional ? functional(name, members) : declared(name, members));
    return name;
  }
}

type Member = readonly [name: string, type: string];

function declared(name: string, members: readonly Member[]): string {
  const lines = members.map(
    ([member, type]) => `    ${keywords.includes(member) ? `${member}_` : member}: ${type}\n`,
  );
  return `class ${name}(TypedDict):\n${lines.join('')}`;
}

/** For an answer with a member whose name is a word of Python's. */
function functional(name: string, members: readonly Member[]): string {
  const lines = members.map(([member, type]) => `        "${member}": ${type},\n`);
  return `${name} = TypedDict(\n    "${name}",\n    {\n${lines.join('')}    },\n)\n`;
}

/** The name of the shape of a member, which must not be that of another type. */
function nestedName(name: string, member: string): string {
  const nested = name + capitalized(member);
  return types.some(([other]) => other === nested) ? `${nested}Value` : nested;
}

const simple: Record<string, string> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  null: 'None',
};

function literal(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}

function capitalized(member: string): string {
  return member
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

function singular(name: string): string {
  return name.endsWith('s') ? name.slice(0, -1) : name;
}
