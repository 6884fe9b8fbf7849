import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AppliedChange } from './key-change.ts';
import { parseJson } from './read-json.ts';

/** First line of a file of the revocation journal. */
export type JournalHead = { historyId: string; timeline: number };

const head = z.object({ historyId: z.uuid(), timeline: z.int() });

const change = z.object({
  seq: z.int(),
  kind: z.enum([
    'key',
    'master_key',
    'organization',
    'platform_user',
    'role',
    'stop_minted_by',
    'stop_user',
    'stop_organization',
  ]),
  subjectId: z.string(),
  revision: z.int(),
  status: z.string().nullable(),
});

/** Hexadecimal digits: a line that was torn by a crash is told from a whole one. */
const sumDigits = 12;

export function toJournalLine(entry: JournalHead | AppliedChange): string {
  const text = JSON.stringify(entry);
  return `${sumOf(text)} ${text}\n`;
}

/** Undefined for a line that is damaged, or no change. */
export function parseJournalChange(line: string): AppliedChange | undefined {
  return change.safeParse(parseLine(line)).data;
}

/** Undefined for a line that is damaged, or no head. */
export function parseJournalHead(line: string): JournalHead | undefined {
  return head.safeParse(parseLine(line)).data;
}

function parseLine(line: string): unknown {
  const [sum, text] = [line.slice(0, sumDigits), line.slice(sumDigits + 1)];
  if (sum !== sumOf(text)) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, sumDigits);
}
