import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

export type Document = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own; the schemas check them.
  spec?: any;
};

const target = z.strictObject({
  kind: z.string(),
  name: z.string().optional(),
  labelSelector: z.string().optional(),
});
const operation = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['add', 'replace']), path: z.string(), value: z.unknown() }),
  z.strictObject({ op: z.literal('remove'), path: z.string() }),
]);

/** All of kustomize that our files use. Anything else is refused, and so is what is misspelt. */
const kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.string().optional(),
  nameSuffix: z.string().default(''),
  resources: z.array(z.string()),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })).default([]),
  patches: z.array(z.strictObject({ target, patch: z.string() })).default([]),
});

/** Builds a kustomization, as `kubectl kustomize` does. */
export async function build(directory: string): Promise<Document[]> {
  const text = await readFile(join(directory, 'kustomization.yaml'), 'utf8');
  const { resources, patches, images, namespace, nameSuffix } = kustomization.parse(parse(text));
  const documents = (await Promise.all(resources.map((each) => read(join(directory, each))))).flat();
  for (const { target, patch } of patches) {
    const operations = z.array(operation).parse(parse(patch));
    const found = documents.filter((document) => isTarget(document, target));
    if (found.length === 0) throw new Error(`${directory}: no ${JSON.stringify(target)} to patch`);
    for (const document of found) for (const each of operations) apply(document, each);
  }
  for (const document of documents) {
    document.metadata.name += nameSuffix;
    if (namespace !== undefined && document.kind !== 'Namespace') document.metadata.namespace = namespace;
    for (const container of containersOf(document)) {
      const image = images.find(({ name }) => name === container.image);
      if (image !== undefined) container.image = `${image.newName}:${image.newTag}`;
    }
  }
  const names = documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new Error(`${directory}: ${twice} twice`);
  return documents;
}

async function read(path: string): Promise<Document[]> {
  return lstatSync(path).isDirectory() ? build(path) : readDocuments(path);
}

/** As Kubernetes reads them, which is YAML 1.1: `0440` is octal. */
export async function readDocuments(path: string): Promise<Document[]> {
  return parseAllDocuments(await readFile(path, 'utf8'), { version: '1.1' }).map((each) => each.toJS());
}

function isTarget({ kind, metadata }: Document, wanted: z.infer<typeof target>): boolean {
  const [label = '', value] = wanted.labelSelector?.split('=') ?? [];
  return (
    kind === wanted.kind &&
    (wanted.name === undefined || metadata.name === wanted.name) &&
    (wanted.labelSelector === undefined || metadata.labels?.[label] === value)
  );
}

/** One operation of a JSON Patch (RFC 6902). Only `add` may name a member that is not there. */
function apply(document: object, { path, ...change }: z.infer<typeof operation>): void {
  const names = path
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop() ?? '';
  const parent = names.reduce<unknown>((value, name) => Reflect.get(Object(value), name), document);
  if (typeof parent !== 'object' || parent === null) throw new Error(`${path} leads nowhere`);
  if (change.op !== 'add' && !(last in parent)) throw new Error(`${path} is not there to ${change.op}`);
  if (change.op === 'remove') Reflect.deleteProperty(parent, last);
  else if (Array.isArray(parent) && last === '-') parent.push(change.value);
  else Reflect.set(parent, last, change.value);
}

type Named = { name: string };
export type Container = Named & {
  image: string;
  command?: string[];
  args?: string[];
  env?: (Named & { value: string })[];
  ports?: (Named & { containerPort: number })[];
  volumeMounts: (Named & { mountPath: string })[];
  securityContext: object;
  resources: { requests: object; limits: { memory: string } };
} & Partial<
    Record<'startupProbe' | 'readinessProbe' | 'livenessProbe', { httpGet: { path: string; port: string } }>
  >;

/** The pod of a Deployment, DaemonSet or Job. */
export function podOf({ spec }: Document) {
  return spec?.template as
    | { metadata: { labels: Record<string, string> }; spec: Record<string, unknown> }
    | undefined;
}

export function containersOf(document: Document): Container[] {
  const { initContainers = [], containers = [] } = podOf(document)?.spec ?? {};
  return [...(initContainers as Container[]), ...(containers as Container[])];
}

type Selector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In'; values: string[] }[];
};

/** Whether a label selector chooses these labels. An empty one chooses everything. */
export function isSelected(
  labels: Record<string, string>,
  { matchLabels = {}, matchExpressions = [], ...unknown }: Selector,
): boolean {
  if (!isDeepStrictEqual(unknown, {})) throw new Error(`a selector with ${Object.keys(unknown)}`);
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}
