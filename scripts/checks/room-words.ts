import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckResult } from './check.ts';
import { sourceFiles } from './source-files.ts';

interface RoomRule {
  name: string;
  /** Files in which the words are forbidden. */
  files: RegExp;
  except?: RegExp;
  words: RegExp;
}

/**
 * Rules that import rules cannot express: globals, SQL and Lua in strings, and the classes of
 * BullMQ.
 */
const roomRules: readonly RoomRule[] = [
  {
    name: 'the domain has no clock, no randomness and no process',
    files: /^src\/domain\//,
    words: /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\./,
  },
  {
    name: 'only config.ts reads the environment',
    files: /^(src|workers)\//,
    except: /^src\/(config\.ts|cli\/|sdk\/)/,
    words: /\bprocess\.env\b/,
  },
  {
    name: 'SQL only in stores/postgres',
    files: /^(src|workers)\//,
    except: /^src\/stores\/postgres\//,
    words: /\bsql`|['"`]\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM)\b/,
  },
  {
    name: 'Lua only in stores/redis',
    files: /^(src|workers)\//,
    except: /^src\/stores\/redis\//,
    words: /\bredis\.call\b|\bEVALSHA\b|\.evalsha\(|\.eval\(/,
  },
  {
    name: "BullMQ's Queue only in stores/queue.ts",
    files: /^(src|workers)\//,
    except: /^src\/stores\/queue\.ts$/,
    words: /import \{[^}]*\b(Queue|FlowProducer)\b[^}]*\} from 'bullmq'/,
  },
  {
    name: "BullMQ's Worker only in workers/",
    files: /^src\//,
    words: /import \{[^}]*\bWorker\b[^}]*\} from 'bullmq'/,
  },
];

export async function readRoomWords(root: string): Promise<CheckResult> {
  const problems: string[] = [];
  for (const file of sourceFiles(root)) {
    const text = withoutComments(await readFile(join(root, file), 'utf8'));
    for (const rule of roomRules) {
      if (!rule.files.test(file) || rule.except?.test(file)) continue;
      const found = rule.words.exec(text);
      if (found !== null) problems.push(`${rule.name}: ${file} has ${JSON.stringify(found[0])}`);
    }
  }
  return { ok: problems.length === 0, output: problems.join('\n') };
}

// Approximate: a `//` inside a string ends the line too, which can hide a word but not add one.
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}
