import type { ChildProcess } from 'node:child_process';

export interface Exit {
  code: number;
  /** Reason of the end, in words. */
  reason: string;
}

/** Resolves when the child has ended or could not be started; never rejects. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (err) => resolve({ code: 127, reason: err.message }));
    child.once('exit', (code, signal) => {
      const reason = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve({ code: code ?? 1, reason });
    });
  });
}
