/** In days, or a day of one's own, or for ever. */
export const expiryPresets = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'date', label: 'On a date' },
  { value: 'never', label: 'Never' },
];

export type Expiry = { preset: string; date: string };

/** A date counts to the end of that day where the reader is: so it is shown again as the day that was chosen. */
export function expiresAt({ preset, date }: Expiry, now: Date): string | null {
  if (preset === 'never') return null;
  if (preset === 'date') return new Date(`${date}T23:59:59.999`).toISOString();
  return new Date(now.getTime() + Number(preset) * 86_400_000).toISOString();
}
