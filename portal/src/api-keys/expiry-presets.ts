/** In days; or a chosen day; or never. */
export const expiryPresets = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'date', label: 'On a date' },
  { value: 'never', label: 'Never' },
];

export type Expiry = { preset: string; date: string };

/** A date is sent as is. The API takes it as the end of that day in UTC. */
export function expiresAt({ preset, date }: Expiry, now: Date): string | null {
  if (preset === 'never') return null;
  if (preset === 'date') return date;
  return new Date(now.getTime() + Number(preset) * 86_400_000).toISOString();
}
