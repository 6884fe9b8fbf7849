import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { groupNames, slowGroups } from './scripts/tests/groups.ts';
import { compileCache } from './test/support/compile-cache.ts';
import { CountReporter } from './test/support/count-reporter.ts';
import { LongestFirst } from './test/support/longest-first.ts';

/** Groups whose tests are about load and about time: they run last, beside few others. */
const strained = ['engines', 'faults', 'linearizability'];

export default defineConfig({
  test: {
    globalSetup: 'test/support/global-setup.ts',
    reporters: ['default', new CountReporter()],
    sequence: { sequencer: LongestFirst },
    teardownTimeout: 30_000,
    projects: groupNames.map(project),
  },
});

/** A project of vitest for each group, so that `--project` chooses one. */
function project(name: string): TestProjectInlineConfiguration {
  const isQuick = name === 'quick';
  const isStrained = strained.includes(name);
  return {
    test: {
      name,
      include: [isQuick ? 'test/**/*.test.ts' : `test/${name}/**/*.test.ts`],
      exclude: isQuick ? Object.keys(slowGroups).map((group) => `test/${group}/**`) : [],
      pool: 'forks',
      // A worker loads the modules once and not for each file: that was a second of work each time.
      // Test files therefore leave nothing behind in a module or a global.
      isolate: false,
      // More than cores, since tests also wait. Another number needs its own place in the order.
      maxWorkers: isStrained ? 3 : 4,
      sequence: { groupOrder: isStrained ? 1 : 0 },
      env: compileCache(),
      // What is polled comes later on a busy machine than in the second that vitest grants.
      expect: { poll: { timeout: 50_000 } },
      unstubEnvs: true,
      restoreMocks: true,
      testTimeout: 120_000,
      hookTimeout: 120_000,
    },
  };
}
