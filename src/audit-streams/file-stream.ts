import { type FileHandle, open } from 'node:fs/promises';
import type { AuditStream } from './audit-stream.ts';

/**
 * A file with one event a line (NDJSON). It is opened for each group of events, so that a platform
 * may rename it at any time, and is on disk before the group counts as delivered. A line that a
 * killed process left unfinished gets its end first; its event follows again.
 */
export function fileStream(file: string): AuditStream {
  return {
    name: 'file',
    async send(events) {
      // Readable by the owner and the group: the log names keys, users and addresses.
      const handle = await open(file, 'a+', 0o640);
      try {
        const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
        await handle.appendFile(`${await missingLineEnd(handle)}${lines}`);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    },
  };
}

async function missingLineEnd(handle: FileHandle): Promise<'' | '\n'> {
  const { size } = await handle.stat();
  if (size === 0) return '';
  const { buffer } = await handle.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer.toString('latin1') === '\n' ? '' : '\n';
}
