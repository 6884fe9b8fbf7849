import { defineConfig } from 'vitest/config';
import { compileCache } from './test/support/compile-cache.ts';
import { CountReporter } from './test/support/count-reporter.ts';
import { Interleaved } from './test/support/interleaved.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    reporters: ['default', new CountReporter()],
    sequence: { sequencer: Interleaved },
    teardownTimeout: 30_000,
    pool: 'forks',
    // A worker loads the modules once and not for each file: that was a second of work each time.
    // Test files therefore leave nothing behind in a module or a global. One project for all, since
    // projects share no worker.
    isolate: false,
    // More than cores, since tests also wait.
    maxWorkers: 5,
    env: compileCache(),
    // What is polled comes later on a busy machine than in the second that vitest grants.
    expect: { poll: { timeout: 10_000 } },
    unstubEnvs: true,
    restoreMocks: true,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
