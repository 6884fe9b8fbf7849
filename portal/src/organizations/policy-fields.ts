import type { Policy } from './use-policy.ts';

const daySeconds = 86_400;

/** Rules of the form that are a limit and its window or period. */
export const limitRules = [
  { rule: 'rate_limit_max', label: 'Highest rate limit', unit: 'window_seconds' },
  { rule: 'rate_limit_default', label: 'Default rate limit', unit: 'window_seconds' },
  { rule: 'quota_max', label: 'Highest quota', unit: 'period' },
  { rule: 'quota_default', label: 'Default quota', unit: 'period' },
] as const;

/** Lists of the form; undefined is no rule. */
export type Allowed = Record<'allowed_scopes' | 'allowed_environments', string[] | undefined>;

export function toDays(seconds: number | undefined): string {
  return seconds === undefined ? '' : String(Number((seconds / daySeconds).toFixed(5)));
}

/**
 * The document of a filled form. Settings without a field stay, such as `on_unavailable` of a
 * default. An empty field is no rule.
 */
export function toPolicy(
  form: FormData,
  { allowed_scopes, allowed_environments }: Allowed,
  was: Policy,
): Policy {
  const ttlMax = toSeconds(form.get('ttl_days_max'));
  const ageMax = toSeconds(form.get('key_age_days_max'));
  const ttlDefault = toSeconds(form.get('ttl_days_default'));
  return {
    ...(ttlMax !== undefined && { ttl_seconds_max: ttlMax }),
    ...(ttlDefault !== undefined && { ttl_seconds_default: ttlDefault }),
    ...(ageMax !== undefined && { key_age_seconds_max: ageMax }),
    ...(form.get('expiry_required') !== null && { expiry_required: true }),
    ...Object.fromEntries(limitRules.flatMap((one) => limitOf(form, one, was))),
    ...(allowed_scopes !== undefined && { allowed_scopes }),
    ...(allowed_environments !== undefined && { allowed_environments }),
  };
}

function limitOf(form: FormData, { rule, unit }: (typeof limitRules)[number], was: Policy) {
  const limit = textOf(form.get(`${rule}.limit`));
  if (limit === '') return [];
  const per = textOf(form.get(`${rule}.${unit}`));
  return [[rule, { ...was[rule], limit: Number(limit), [unit]: unit === 'period' ? per : Number(per) }]];
}

function toSeconds(days: FormDataEntryValue | null): number | undefined {
  const text = textOf(days);
  return text === '' ? undefined : Math.round(Number(text) * daySeconds);
}

function textOf(value: FormDataEntryValue | null): string {
  return typeof value === 'string' ? value.trim() : '';
}
