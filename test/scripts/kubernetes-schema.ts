const kubernetes = import.meta.resolve('kubernetes-models');
const prometheusOperator = import.meta.resolve('@kubernetes-models/prometheus-operator');

/** The module of a kind's schema without the kind, by API version. */
const schemas: Readonly<Record<string, URL>> = {
  v1: new URL('_schemas/IoK8sApiCoreV1', kubernetes),
  'apps/v1': new URL('_schemas/IoK8sApiAppsV1', kubernetes),
  'batch/v1': new URL('_schemas/IoK8sApiBatchV1', kubernetes),
  'policy/v1': new URL('_schemas/IoK8sApiPolicyV1', kubernetes),
  'autoscaling/v2': new URL('_schemas/IoK8sApiAutoscalingV2', kubernetes),
  'networking.k8s.io/v1': new URL('_schemas/IoK8sApiNetworkingV1', kubernetes),
  'monitoring.coreos.com/v1': new URL(
    '_schemas/ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1',
    prometheusOperator,
  ),
};

type Validate = { (document: unknown): boolean; errors?: { instancePath: string; keyword: string }[] | null };

/**
 * Faults of a document against the published schema of its kind: `/spec/replicas type`. The
 * schemas let unknown members pass. So the validator reads through a proxy, and a member that it
 * never reads is one that the schema does not know: `/spec/resorces unknown`.
 */
export async function faultsOf(document: unknown): Promise<string[]> {
  const { apiVersion, kind } = document as { apiVersion: string; kind: string };
  const prefix = schemas[apiVersion];
  if (prefix === undefined) return [`no schema for ${apiVersion} ${kind}`];
  const { validate } = (await import(`${prefix}${kind}.js`)) as { validate: Validate };
  const read = new Set<string>();
  const isValid = validate(watched(document, '', read));
  const errors = isValid ? [] : (validate.errors ?? []);
  return [
    ...errors.map(({ instancePath, keyword }) => `${instancePath} ${keyword}`),
    ...membersOf(document, '')
      .filter((path) => !read.has(path))
      .map((path) => `${path} unknown`),
  ];
}

function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get: (target, name) => {
      const below = `${path}/${String(name)}`;
      read.add(below);
      return watched(Reflect.get(target, name), below, read);
    },
  });
}

function membersOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const below = `${path}/${name}`;
    return [below, ...membersOf(member, below)];
  });
}
