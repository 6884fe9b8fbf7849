import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/support/count-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Their control arms do not yet find their violation every time on a busy machine. Run them with LINEARIZABILITY=1 and the path.
    exclude:
      process.env.LINEARIZABILITY === '1' ? [] : ['test/linearizability/{leases,postgres,redis}.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    // Each file has processes of its own beside it (servers, the API): more workers than cores only wait.
    maxWorkers: 2,
    unstubEnvs: true,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    reporters: ['default', new CountReporter()],
  },
});
