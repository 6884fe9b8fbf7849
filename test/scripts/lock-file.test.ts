import { expect, test } from 'vitest';
import { completeLock, missingFromLock } from '../../scripts/checks/lock-file.ts';

const lock = {
  packages: {
    '': { version: '1.0.0' },
    'node_modules/linter': {
      version: '2.0.0',
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
    'node_modules/nested': { version: '1.0.0', optionalDependencies: { inner: '1.0.0' } },
    'node_modules/nested/node_modules/inner': { version: '1.0.0', optional: true },
  },
};

test('an optional package that the lock file leaves out is found, wherever the others lie', () => {
  expect(missingFromLock(lock).map(({ name }) => name)).toEqual([
    'linter-linux-x64-musl',
    'linter-darwin-arm64',
  ]);
});

test('the completed lock file names it with its version and platform', () => {
  const completed = completeLock(lock);
  expect(missingFromLock(completed)).toEqual([]);
  expect(completed.packages['node_modules/linter-linux-x64-musl']).toEqual({
    version: '2.0.0',
    dev: true,
    optional: true,
    os: ['linux'],
    cpu: ['x64'],
    libc: ['musl'],
  });
});
