import { InvalidArgumentError } from 'commander';
import type { Quota, RateLimit } from '../sdk/api-types.ts';
import {
  externalIdPattern,
  numberRanges,
  type RevocationReason,
  readJson,
  readTime,
  reasonFault,
  revocationReasons,
} from '../sdk/input-rules.ts';
import type { MasterKey } from '../sdk/operator-types.ts';

type MintQuota = NonNullable<MasterKey['mint_quota']>;

type Range = { readonly min: number; readonly max: number };

/**
 * Parsers of typed values. Commander names the option and exits with 2. They accept what the API
 * accepts.
 */
export function wholeNumber({ min, max }: Range): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Sent as typed: the API decides whether a day means its start or its end. */
export function time(text: string): string {
  const { fault } = readTime(text, 'start');
  if (fault === undefined) return text;
  throw new InvalidArgumentError(`It ${fault}.`);
}

export function list(text: string): string[] {
  return text.split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
}

export function flag(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('It must be true or false.');
}

export function jsonObject(text: string): Record<string, unknown> {
  const { value, losses } = readObject(text);
  if (losses.length === 0) return value;
  throw new InvalidArgumentError(losses.map(({ path, message }) => `${path} ${message}.`).join(' '));
}

function readObject(text: string) {
  try {
    const { value, losses } = readJson(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { value: value as Record<string, unknown>, losses };
    }
  } catch {}
  throw new InvalidArgumentError('It must be a JSON object.');
}

export function rateLimit(text: string): RateLimit {
  const [, limit = '', seconds = ''] = /^([^/]*)\/([^/]*)$/.exec(text) ?? [];
  if (limit === '' || seconds === '') {
    throw new InvalidArgumentError('It must be a limit and seconds, such as 100/60.');
  }
  return {
    limit: inPart('limit', numberRanges.rateLimit, limit),
    window_seconds: inPart('seconds', numberRanges.rateLimitWindowSeconds, seconds),
  };
}

export function quota(text: string): Quota {
  const [, limit = '', period] = /^([^/]*)\/(day|month)$/.exec(text) ?? [];
  if (limit === '') throw new InvalidArgumentError('It must be a limit and a period, such as 10000/day.');
  return { limit: inPart('limit', numberRanges.quota, limit), period: period as Quota['period'] };
}

/** A quota of mints, or `none`: Commander makes an empty text of null. */
export function mintQuota(text: string): MintQuota | 'none' {
  if (text === 'none') return text;
  const [, limit = '', period] = /^([^/]*)\/(minute|hour|day)$/.exec(text) ?? [];
  if (limit === '')
    throw new InvalidArgumentError('It must be none, or a limit and a period, such as 1000/day.');
  return { limit: inPart('limit', numberRanges.mintBound, limit), period: period as MintQuota['period'] };
}

/** A number of living keys, or `none`. */
export function livingKeysMax(text: string): number | 'none' {
  return text === 'none' ? text : wholeNumber(numberRanges.mintBound)(text);
}

export const daySeconds = 86_400;

/** A number of days, or `none`. */
export function keyAgeDaysMax(text: string): number | 'none' {
  const { min, max } = numberRanges.keyAgeSeconds;
  return text === 'none' ? text : wholeNumber({ min: min / daySeconds, max: max / daySeconds })(text);
}

function inPart(part: string, range: Range, text: string): number {
  try {
    return wholeNumber(range)(text);
  } catch {
    throw new InvalidArgumentError(`Its ${part} must be a whole number from ${range.min} to ${range.max}.`);
  }
}

/** Why a key ends. */
function revocationReason(text: string): RevocationReason {
  const found = revocationReasons.find((reason) => reason === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${revocationReasons.join(', ')}.`);
}

export const reasonOption = [
  '--reason-code <code>',
  `why: ${revocationReasons.join(', ')}`,
  revocationReason,
] as const;

export type ReasonOption = { reasonCode?: RevocationReason | undefined };

/** Reason for acting inside an organization. */
export function reason(text: string): string {
  const fault = reasonFault(text);
  if (fault === undefined) return text;
  throw new InvalidArgumentError(`It ${fault}.`);
}

/** Organization to impersonate; it becomes a header, which not every text can. */
export function organizationId(text: string): string {
  if (externalIdPattern.test(text)) return text;
  throw new InvalidArgumentError('It must be the id of an organization, such as org_x1y2z3w4.');
}

/**
 * Normalised address under which a login is stored. Refuses one with a password, which would be in
 * the shell's history.
 */
export function serverAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new InvalidArgumentError('It must be an address such as http://localhost:9123.');
  }
  return url.href.replace(/\/+$/, '');
}
