import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { releaseChangelog } from '../../scripts/release/changelog.ts';
import { requireLaterVersion } from '../../scripts/release/version.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
const releaseMsMax = 180_000;

/** A repository of its own with the files of this one, in one commit. */
async function repository(): Promise<{ root: string; git: (...args: string[]) => Promise<string> }> {
  const root = await temporaryDirectory();
  const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout;
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await run('git', listed, { cwd: projectRoot });
  for (const file of stdout.trim().split('\n')) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await cp(join(projectRoot, file), join(root, file));
  }
  // Right after a release there is nothing to release.
  const changelog = await readFile(join(root, 'CHANGELOG.md'), 'utf8');
  const something = '## Unreleased\n\n### Added\n- Something.\n';
  await writeFile(join(root, 'CHANGELOG.md'), changelog.replace('## Unreleased\n', something));
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('config', 'user.name', 'Somebody');
  await git('config', 'user.email', 'somebody@example.com');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'everything');
  return { root, git };
}

const release = (root: string, version: string) =>
  run(process.execPath, ['scripts/release.ts', version], { cwd: root });

describe('a release', () => {
  test(
    'has its version, changelog section, tag, tarballs, bills of materials and checksums',
    async () => {
      const { root, git } = await repository();
      await release(root, '97.0.0');
      expect(await git('log', '-1', '--format=%s')).toBe('release: 97.0.0\n');
      expect(await git('status', '--porcelain')).toBe('');
      expect(await git('tag', '--list', '--format=%(contents)', 'v97.0.0')).toMatch(
        /^97\.0\.0\n\n### Added\n/,
      );
      const changelog = await readFile(join(root, 'CHANGELOG.md'), 'utf8');
      expect(changelog).toMatch(/\n## Unreleased\n\n## 97\.0\.0 — \d{4}-\d\d-\d\d\n\n### Added\n/);
      for (const directory of ['.', 'packages/keys', 'packages/cli', 'packages/verifier']) {
        const { version } = JSON.parse(await readFile(join(root, directory, 'package.json'), 'utf8'));
        expect(version, directory).toBe('97.0.0');
      }
      for (const file of ['overlays/small/kustomization.yaml', 'local-verifier/sidecar.yaml']) {
        const text = await readFile(join(root, 'deploy/kubernetes', file), 'utf8');
        expect(text, file).toMatch(/(newTag: |flowplate-verifier:)97\.0\.0\n/);
      }
      const files = join(root, 'dist/97.0.0');
      expect(await readdir(files)).toEqual([
        'NOTES.md',
        'SHA256SUMS',
        'flowplate-cli-97.0.0.cdx.json',
        'flowplate-cli-97.0.0.tgz',
        'flowplate-keys-97.0.0.cdx.json',
        'flowplate-keys-97.0.0.tgz',
        'flowplate-verifier-97.0.0.cdx.json',
        'flowplate-verifier-97.0.0.tgz',
      ]);
      const { stdout } = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: files });
      expect(stdout.match(/: OK$/gm)).toHaveLength(6);
      const bill = JSON.parse(await readFile(join(files, 'flowplate-cli-97.0.0.cdx.json'), 'utf8'));
      expect(bill.metadata.component.purl).toBe('pkg:npm/%40flowplate/cli@97.0.0');
      expect(bill.components.map(({ name }: { name: string }) => name)).toContain('commander');
    },
    releaseMsMax,
  );

  test('is refused with changes that are not committed, and leaves them', async () => {
    const { root, git } = await repository();
    await writeFile(join(root, 'README.md'), 'mine');
    await expect(release(root, '97.0.0')).rejects.toMatchObject({
      code: 1,
      stderr: 'release: there are changes that are not committed\n',
    });
    expect(await readFile(join(root, 'README.md'), 'utf8')).toBe('mine');
    expect(await git('tag', '--list')).toBe('');
  });
});

test.each(['0.2.0', '0.1.10', '1.0.0'])('%s is a later version than 0.1.9', (version) => {
  expect(() => requireLaterVersion(version, '0.1.9')).not.toThrow();
});

test.each(['0.1.9', '0.1.8', '0.0.10', '', '1', 'v1.0.0', '1.0.0-rc.1', '01.0.0'])(
  '"%s" is no later version than 0.1.9',
  (version) => {
    expect(() => requireLaterVersion(version, '0.1.9')).toThrow();
  },
);

test('a changelog keeps its older sections, and an empty one is not released', () => {
  const before = '# Changelog\n\n## Unreleased\n\n### Fixed\n- a\n\n## 0.1.0 — 2026-01-01\n\n- b\n';
  const { changelog, section } = releaseChangelog(before, '0.2.0', '2026-02-02');
  expect(section).toBe('### Fixed\n- a');
  expect(changelog).toBe(
    '# Changelog\n\n## Unreleased\n\n## 0.2.0 — 2026-02-02\n\n### Fixed\n- a\n\n## 0.1.0 — 2026-01-01\n\n- b\n',
  );
  expect(() => releaseChangelog(changelog, '0.3.0', '2026-03-03')).toThrow('says nothing');
});
