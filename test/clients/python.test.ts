import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { pythonPath } from '../../scripts/services/python-modules.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';

let broker: TestBroker;
let client: string;
let installed: string;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  client = join(directory, 'client');
  installed = join(directory, 'installed');
  // pip writes beside what it installs.
  await cp(join(projectRoot, 'clients', 'python'), client, { recursive: true });
});
afterAll(endAll);

async function python(args: readonly string[], modules: readonly string[], env = {}) {
  const path = modules.filter((module) => module !== '').join(delimiter);
  return await runCommand(['python3', ...args], {
    cwd: client,
    env: { PATH: process.env.PATH, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1', ...env },
  });
}

test('pip installs it, with its types', async () => {
  const modules = [await pythonPath('pip'), await pythonPath('setuptools'), await pythonPath('wheel')];
  const options = ['--no-index', '--no-deps', '--no-build-isolation', '--quiet', '--target', installed];
  const { exitCode, stderr } = await python(['-m', 'pip', 'install', ...options, '.'], modules);
  expect(exitCode, stderr).toBe(0);
  const seen = 'from importlib.metadata import version; print(version("flowplate-keys"))';
  const { stdout } = await python(['-c', seen], [installed]);
  expect(stdout.trim()).toBe('0.1.0');
  const types =
    'import flowplate_keys, pathlib; print(pathlib.Path(flowplate_keys.__file__).with_name("py.typed").exists())';
  expect((await python(['-c', types], [installed, await pythonPath('httpx')])).stdout.trim()).toBe('True');
});

test('both clients do what their tests promise, against this broker', async () => {
  const { exitCode, stderr } = await python(
    ['-W', 'error::ResourceWarning', '-m', 'unittest', 'discover', '--start-directory', 'tests'],
    [join(client, 'src'), await pythonPath('httpx')],
    {
      FLOWPLATE_SERVER: broker.url,
      FLOWPLATE_MASTER_KEY: broker.masterKey,
      FLOWPLATE_VECTORS: join(projectRoot, 'test/vectors/key-format.json'),
    },
  );
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toMatch(/^Ran 20 tests/m);
});

test('every annotation of the public methods names a type that there is', async () => {
  const script = `
import inspect, typing, flowplate_keys
for client in (flowplate_keys.FlowplateClient, flowplate_keys.AsyncFlowplateClient):
    methods = [method for name, method in inspect.getmembers(client, inspect.isfunction)]
    assert len(methods) > 12
    for method in methods: typing.get_type_hints(method)
`;
  const { exitCode, stderr } = await python(['-c', script], [join(client, 'src'), await pythonPath('httpx')]);
  expect(exitCode, stderr).toBe(0);
});

test("the README's example prints what it says", async () => {
  const page = await readFile(join(client, 'README.md'), 'utf8');
  const [, example = ''] = /```python\n([\s\S]*?)```/.exec(page) ?? [];
  const { stdout, stderr } = await python(['-c', example], [join(client, 'src'), await pythonPath('httpx')], {
    FLOWPLATE_SERVER: broker.url,
    FLOWPLATE_MASTER_KEY: broker.masterKey,
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^True VALID\nKEY_ALREADY_EXISTS flk_\w+\ncomplete\n$/);
});
