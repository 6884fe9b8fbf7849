import { InvalidArgumentError } from 'commander';
import type { Quota, RateLimit } from '../sdk/api-types.ts';

/** Readers of what is typed; commander says which option it was and ends with 2. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

/** A day means its first moment, in UTC. */
export function time(text: string): string {
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!Number.isNaN(parsed.getTime())) return parsed.toISOString();
  throw new InvalidArgumentError(
    'It must be a day such as 2026-03-12, or a time such as 2026-03-12T09:00:00Z.',
  );
}

/** A day stays one: whether it means its beginning or its end, the API knows. */
export function dayOrTime(text: string): string {
  const precise = time(text);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : precise;
}

export function list(text: string): string[] {
  return text.split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
}

export function flag(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('It must be true or false.');
}

export function jsonObject(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new InvalidArgumentError('It must be a JSON object.');
}

export function rateLimit(text: string): RateLimit {
  const [, limit, seconds] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (limit !== undefined) return { limit: Number(limit), window_seconds: Number(seconds) };
  throw new InvalidArgumentError('It must be a limit and seconds, such as 100/60.');
}

export function quota(text: string): Quota {
  const [, limit, period] = /^(\d{1,9})\/(day|month)$/.exec(text) ?? [];
  if (limit !== undefined) return { limit: Number(limit), period: period as Quota['period'] };
  throw new InvalidArgumentError('It must be a limit and a period, such as 10000/day.');
}

/** The one spelling under which a login is kept. An address with a password in it would be in the shell's history. */
export function serverAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new InvalidArgumentError('It must be an address such as http://localhost:9123.');
  }
  return url.href.replace(/\/+$/, '');
}
