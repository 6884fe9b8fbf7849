import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { projectRoot } from '../../scripts/services/project-root.ts';
import { configSchema } from '../../src/config.ts';
import { healthPaths } from '../../src/local-verifier/health.ts';
import { readSettings } from '../../src/local-verifier/settings.ts';
import { catalogue } from '../../src/metrics/catalogue.ts';
import { metricsServer } from '../../src/metrics/metrics-server.ts';
import { listen } from '../../src/process/serve-http.ts';
import { secretSettings } from '../../src/secret-files.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { faultsOf } from './kubernetes-schema.ts';
import { build, containersOf, type Document, isSelected, podOf, readDocuments } from './kustomization.ts';

const root = join(projectRoot, 'deploy/kubernetes');
const [small, available, migration] = (await Promise.all(
  ['overlays/small', 'overlays/highly-available', 'migration'].map((name) => build(join(root, name))),
)) as [Document[], Document[], Document[]];
const [sidecar, daemonSet] = (await Promise.all(
  ['sidecar.yaml', 'daemon-set.yaml'].map((name) => readDocuments(join(root, 'local-verifier', name))),
)) as [Document[], Document[]];

const deployments = {
  small: [...small, ...migration],
  'highly-available': [...available, ...migration],
};
const all = { ...deployments, sidecar, 'daemon set': daemonSet };
const brokers = [...small, ...available, ...migration];

const pods = (documents: Document[]) => documents.filter((document) => podOf(document) !== undefined);
const ofKind = (documents: Document[], kind: string) => documents.filter((each) => each.kind === kind);
const find = (documents: Document[], kind: string, name: string) =>
  documents.find((each) => each.kind === kind && each.metadata.name === name) as Document;

describe.each(Object.entries(all))('%s', (_name, documents) => {
  test.each(documents.map((document) => [document.kind, document.metadata.name, document]))(
    '%s %s is what its published schema allows',
    async (_kind, _object, document) => {
      expect(await faultsOf(document)).toEqual([]);
    },
  );

  test('each pod is without root, token, capabilities and a writable root, and has bounds', () => {
    for (const document of pods(documents)) {
      const pod = podOf(document)?.spec;
      expect(pod?.automountServiceAccountToken, document.metadata.name).toBe(false);
      expect(pod?.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const container of containersOf(document).filter(({ image }) => image.includes('flowplate'))) {
        expect(container.securityContext).toMatchObject({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources).toEqual({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        });
      }
    }
  });

  test('selectors choose pods that there are, and ports have the names that those pods gave them', () => {
    const templates = pods(documents).map((document) => ({
      labels: podOf(document)?.metadata.labels ?? {},
      ports: containersOf(document).flatMap(({ ports = [] }) => ports.map(({ name }) => name)),
    }));
    const expectPorts = (document: Document, selector: object, ports: unknown[]) => {
      const chosen = templates.filter(({ labels }) => isSelected(labels, selector));
      expect(chosen.length, `${document.kind} ${document.metadata.name}`).toBeGreaterThan(0);
      for (const { ports: known } of chosen) expect(known).toEqual(expect.arrayContaining(ports));
    };
    for (const each of ofKind(documents, 'Service')) {
      expectPorts(
        each,
        { matchLabels: each.spec.selector },
        each.spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort),
      );
    }
    for (const each of ofKind(documents, 'PodDisruptionBudget')) expectPorts(each, each.spec.selector, []);
    for (const each of ofKind(documents, 'NetworkPolicy')) {
      const rules: { ports: { port: string }[] }[] = each.spec.ingress ?? [];
      const ports = rules.flatMap((rule) => rule.ports.map(({ port }) => port));
      expectPorts(each, each.spec.podSelector, ports);
    }
    for (const each of pods(documents).filter(({ kind }) => kind !== 'Job')) {
      expect(isSelected(podOf(each)?.metadata.labels ?? {}, each.spec.selector)).toBe(true);
    }
  });

  test('a name of a port has one number, and probes ask ports that there are', () => {
    for (const container of pods(documents).flatMap(containersOf)) {
      const names = (container.ports ?? []).map(({ name }) => name);
      for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
        const probe = container[kind];
        if (probe !== undefined) expect(names, `${container.name} ${kind}`).toContain(probe.httpGet.port);
      }
    }
  });

  test('the images are of this version', () => {
    const images = pods(documents)
      .flatMap(containersOf)
      .map(({ image }) => image);
    for (const image of images.filter((name) => name.includes('flowplate'))) {
      expect(image.split(':')[1]).toBe(manifest.version);
    }
  });
});

test('a misspelt member and a wrong type are found, wherever they stand', async () => {
  const worker = structuredClone(find(small, 'Deployment', 'flowplate-worker'));
  const [container] = worker.spec.template.spec.containers;
  container.resorces = {};
  container.ports[0].containerPort = '9125';
  worker.spec.stratgy = {};
  expect((await faultsOf(worker)).sort()).toEqual([
    '/spec/stratgy unknown',
    '/spec/template/spec/containers/0/ports/0/containerPort type',
    '/spec/template/spec/containers/0/resorces unknown',
  ]);
  const monitor = structuredClone(find(available, 'ServiceMonitor', 'flowplate'));
  monitor.spec.endpoints[0].intervall = '15s';
  expect(await faultsOf(monitor)).toEqual(['/spec/endpoints/0/intervall unknown']);
});

test('a misspelt member of a kustomization is refused, and so is a patch of nothing', async () => {
  const directory = await mkdtemp(join(inject('runDirectory'), 'kustomization-'));
  const head = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n';
  const write = (text: string) => writeFile(join(directory, 'kustomization.yaml'), head + text);
  await write('resources: []\npatchs: []\n');
  await expect(build(directory)).rejects.toThrow('patchs');
  await write('resources: []\npatches: [{ target: { kind: Deployment, name: no }, patch: "[]" }]\n');
  await expect(build(directory)).rejects.toThrow('no {"kind":"Deployment","name":"no"} to patch');
  await rm(directory, { recursive: true });
});

test('every kustomization of the folder is one of those, or a part of one', async () => {
  const files = await readdir(root, { recursive: true });
  const directories = files.filter((file) => file.endsWith('/kustomization.yaml'));
  expect(directories.map((file) => file.replace('/kustomization.yaml', '')).sort()).toEqual(
    ['autoscaling', 'base', 'base/api', 'control', 'migration', 'monitoring'].concat(
      'overlays/highly-available',
      'overlays/small',
    ),
  );
});

test('variables are settings of the broker, and secrets are files that are mounted', () => {
  for (const document of pods(brokers)) {
    const volumes = podOf(document)?.spec.volumes as { name: string; secret?: { defaultMode: number } }[];
    for (const { env = [], volumeMounts } of containersOf(document)) {
      const places = volumeMounts.filter(
        ({ name }) => volumes.find((volume) => volume.name === name)?.secret !== undefined,
      );
      for (const { name, value } of env) {
        const secret = secretSettings.find((setting) => name === `${setting}_FILE`);
        expect(Object.keys(configSchema.shape)).toContain(secret ?? name);
        if (secret !== undefined) {
          expect(
            places.some(({ mountPath }) => value.startsWith(`${mountPath}/`)),
            name,
          ).toBe(true);
        } else expect(secretSettings, name).not.toContain(name);
      }
    }
  }
});

test('what the processes are told to listen on are the ports of their containers', () => {
  const settings = { http: 'PORT', metrics: 'METRICS_PORT' };
  for (const container of pods(brokers).flatMap(containersOf)) {
    for (const { name, containerPort } of container.ports ?? []) {
      const setting = container.name === 'worker' ? 'WORKER_METRICS_PORT' : settings[name as 'http'];
      expect(container.env).toContainEqual({ name: setting, value: String(containerPort) });
    }
  }
});

test('commands run files of the image', async () => {
  const dockerfile = await readFile(join(projectRoot, 'Dockerfile'), 'utf8');
  const commands = pods(brokers)
    .flatMap(containersOf)
    .flatMap(({ command }) => (command === undefined ? [] : [command]));
  expect(commands.length).toBeGreaterThan(0);
  for (const [program, file = ''] of commands) {
    expect(program).toBe('node');
    expect(existsSync(join(projectRoot, file))).toBe(true);
    const folder = file.split('/')[0] ?? '';
    expect(dockerfile).toMatch(new RegExp(`^COPY (${folder} ${folder}$|.*${file})`, 'm'));
  }
});

describe('the paths of the probes', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(() => broker.close());

  test('are answered with 200 by the API, and by the server of the worker', async () => {
    const watch = metricsServer(async () => '');
    const worker = `http://127.0.0.1:${await listen(watch, 0, '127.0.0.1')}`;
    for (const container of pods(brokers).flatMap(containersOf)) {
      const { startupProbe, readinessProbe, livenessProbe } = container;
      const server = container.name === 'worker' ? worker : broker.url;
      for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
        if (probe === undefined) continue;
        expect((await fetch(server + probe.httpGet.path)).status, probe.httpGet.path).toBe(200);
      }
    }
    const monitor = find(available, 'ServiceMonitor', 'flowplate');
    expect((await fetch(worker + monitor.spec.endpoints[0].path)).status).toBe(200);
    watch.close();
  });
});

/** How the pods of a Service are probed for readiness. */
function readinessOf(documents: Document[], service: string): Set<string | undefined> {
  const { selector } = find(documents, 'Service', service).spec;
  const chosen = pods(documents).filter((document) =>
    isSelected(podOf(document)?.metadata.labels ?? {}, { matchLabels: selector }),
  );
  return new Set(chosen.flatMap(containersOf).map(({ readinessProbe }) => readinessProbe?.httpGet.path));
}

test('a lost Postgres takes no pod away from gateways; with pods of its own, it does from what manages keys', () => {
  expect(readinessOf(small, 'flowplate-verify')).toEqual(new Set(['/health/verify']));
  expect(readinessOf(small, 'flowplate-control')).toEqual(new Set(['/health/verify']));
  expect(readinessOf(available, 'flowplate-verify')).toEqual(new Set(['/health/verify']));
  expect(readinessOf(available, 'flowplate-control')).toEqual(new Set(['/health/ready']));
});

test('no liveness or startup probe depends on a store: a restart does not repair one', () => {
  for (const { startupProbe, livenessProbe } of pods(brokers).flatMap(containersOf)) {
    for (const probe of [startupProbe, livenessProbe]) {
      if (probe !== undefined) expect(probe.httpGet.path).toBe('/health/live');
    }
  }
});

test('a pod is killed only after its drain, its last requests, and what it closes', () => {
  const [drainSeconds, requestsSeconds, closingSeconds] = [10, 8, 30];
  for (const name of ['flowplate-api', 'flowplate-api-control']) {
    const document = find(available, 'Deployment', name);
    const [container] = containersOf(document);
    expect(container?.env).toContainEqual({ name: 'DRAIN_MS', value: String(drainSeconds * 1_000) });
    expect(podOf(document)?.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      drainSeconds + requestsSeconds + closingSeconds,
    );
  }
});

test('the autoscaler asks for what the rule of the adapter makes of a metric of ours', async () => {
  const [rule] = parse(await readFile(join(root, 'autoscaling/adapter-rule.yaml'), 'utf8'));
  const [, series = ''] = /^(\w+)\{/.exec(rule.seriesQuery) ?? [];
  expect(Object.keys(catalogue)).toContain(series);
  expect(rule.metricsQuery).toContain('endpoint!="embedded"');
  expect(catalogue[series as 'flowplate_verifications_total'].labels).toContain('endpoint');
  const served = series.replace(new RegExp(rule.name.matches), rule.name.as.replace(/\$\{(\d)\}/g, '$$$1'));
  const { scaleTargetRef, metrics } = find(available, 'HorizontalPodAutoscaler', 'flowplate-verify').spec;
  expect(metrics[0].pods.metric.name).toBe(served);
  const target = find(available, scaleTargetRef.kind, scaleTargetRef.name);
  expect(target.apiVersion).toBe(scaleTargetRef.apiVersion);
  // Else each `kubectl apply` would undo what the autoscaler did.
  expect(target.spec.replicas).toBeUndefined();
});

test('Prometheus names the jobs as the rules of deploy/observability expect', () => {
  const { jobLabel, selector } = find(available, 'ServiceMonitor', 'flowplate').spec;
  const services = ofKind(available, 'Service').filter(({ metadata }) =>
    isSelected(metadata.labels ?? {}, selector),
  );
  expect(services.map(({ metadata }) => metadata.labels?.[jobLabel])).toEqual([
    'flowplate-api',
    'flowplate-worker',
  ]);
});

test('the local verifier of each node listens on the ports of its container, and answers its probes', () => {
  const document = find(daemonSet, 'DaemonSet', 'flowplate-verifier');
  const [container] = containersOf(document);
  const args = (container?.args ?? []).flatMap((text) => text.split(/=(.*)/s, 2));
  const { listen: addresses, metrics, masterKeyFile } = readSettings(args);
  const ports = container?.ports?.map(({ containerPort }) => containerPort);
  expect([addresses[0], metrics]).toEqual(ports?.map((port) => ({ host: '0.0.0.0', port })));
  expect(masterKeyFile).toBe('/run/secrets/flowplate/gateway-key');
  for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
    expect(Object.keys(healthPaths)).toContain(container?.[kind]?.httpGet.path);
  }
  expect(container?.readinessProbe?.httpGet.path).toBe('/health/verify');
});

test('docs/kubernetes.md names files, objects and variables that there are', async () => {
  const page = await readFile(join(projectRoot, 'docs/kubernetes.md'), 'utf8');
  const files = [...page.matchAll(/deploy\/kubernetes(?:\/[\w./-]+)?/g)].map(([file]) => file);
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) expect(existsSync(join(projectRoot, file.replace(/\.$/, ''))), file).toBe(true);
  const objects = new Set(
    Object.values(all)
      .flat()
      .map(({ metadata }) => metadata.name),
  );
  const named = [...page.matchAll(/\b(?:service|deployment|job)\/([\w-]+)/g)];
  expect(named.length).toBeGreaterThan(3);
  for (const [, name = ''] of named) expect([...objects, 'flowplate']).toContain(name);
});
