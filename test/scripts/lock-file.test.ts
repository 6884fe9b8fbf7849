import { expect, test } from 'vitest';
import { completeLock, missingFromLock, withoutIntegrity } from '../../scripts/checks/lock-file.ts';

const integrity = `sha512-${'a'.repeat(86)}==`;

const lock = {
  packages: {
    '': { version: '1.0.0' },
    'node_modules/linter': {
      version: '2.0.0',
      integrity,
      dev: true,
      optionalDependencies: {
        'linter-linux-x64': '2.0.0',
        'linter-linux-x64-musl': '2.0.0',
        'linter-darwin-arm64': '2.0.0',
      },
    },
    'node_modules/linter-linux-x64': {
      version: '2.0.0',
      dev: true,
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
    },
    'node_modules/linked': { link: true },
    'node_modules/nested': { version: '1.0.0', integrity, optionalDependencies: { inner: '1.0.0' } },
    'node_modules/nested/node_modules/inner': { version: '1.0.0', integrity: 'sha1-a', optional: true },
  },
};

test('an optional package that the lock file leaves out is found, wherever the others lie', () => {
  expect(missingFromLock(lock).map(({ name }) => name)).toEqual([
    'linter-linux-x64-musl',
    'linter-darwin-arm64',
  ]);
});

test('a package without a SHA-512 integrity is found, but no directory of this repository', () => {
  expect(withoutIntegrity(lock)).toEqual([
    { name: 'linter-linux-x64', version: '2.0.0' },
    { name: 'inner', version: '1.0.0' },
  ]);
});

test('the completed lock file names what was missing with its version, platform and integrity', async () => {
  const asked: string[] = [];
  const completed = await completeLock(lock, async ({ name, version }) => {
    asked.push(`${name}@${version}`);
    return integrity;
  });
  expect([missingFromLock(completed), withoutIntegrity(completed)]).toEqual([[], []]);
  expect(asked.sort()).toEqual([
    'inner@1.0.0',
    'linter-darwin-arm64@2.0.0',
    'linter-linux-x64-musl@2.0.0',
    'linter-linux-x64@2.0.0',
  ]);
  expect(completed.packages['node_modules/linter-linux-x64-musl']).toEqual({
    version: '2.0.0',
    integrity,
    dev: true,
    optional: true,
    os: ['linux'],
    cpu: ['x64'],
    libc: ['musl'],
  });
});

test('a package of which the registry knows no integrity is not locked', async () => {
  const unknown = () => Promise.reject(new Error('no integrity'));
  await expect(completeLock(lock, unknown)).rejects.toThrow('no integrity');
});
