import { expect } from 'vitest';
import type { Answer, Call, CallOptions } from './call.ts';
import { keysPath } from './keys.ts';

/** Text of a body of lines; a text is sent as it is. */
export function toLines(bodies: readonly unknown[]): string {
  return bodies.map((body) => `${typeof body === 'string' ? body : JSON.stringify(body)}\n`).join('');
}

// biome-ignore lint/suspicious/noExplicitAny: as `Answer` of a call
export type AnsweredLine = any;

export function readLines(text: string): AnsweredLine[] {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

type LinesOptions = Omit<CallOptions, 'body'>;

/** Mints a body of lines, and returns the answer as it came. */
export function sendLines(broker: { call: Call }, body: string, options: LinesOptions = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/x-ndjson', ...options.headers };
  return broker.call(`POST ${keysPath}/batch`, { ...options, body, headers });
}

/** Mints a body of lines, and returns the answer of each. */
export async function mintLines(
  broker: { call: Call },
  bodies: readonly unknown[],
  options: LinesOptions = {},
): Promise<AnsweredLine[]> {
  const answer = await sendLines(broker, toLines(bodies), options);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return typeof answer.body === 'string' ? readLines(answer.body) : [answer.body];
}

/** Code of the error of each line; `minted` without one. */
export function outcomesOf(lines: readonly AnsweredLine[]): string[] {
  return lines.map(({ error }) => error?.code ?? 'minted');
}
