import { describeFailure } from './failure.ts';
import { writeLines } from './output/write.ts';
import { createProgram } from './program.ts';

// EPIPE, as in `flowplate … | head`: the reader has closed the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  const { lines, exitCode } = describeFailure(error, program.opts().server);
  writeLines(process.stderr, lines);
  process.exitCode = exitCode;
}
