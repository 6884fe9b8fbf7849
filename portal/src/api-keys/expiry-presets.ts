/** In days; an empty value is for ever. */
export const expiryPresets = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'never', label: 'Never' },
];

export function expiresAt(preset: string, now: Date): string | null {
  const days = Number(preset);
  return Number.isNaN(days) ? null : new Date(now.getTime() + days * 86_400_000).toISOString();
}
