/** Keys that need attention: they end soon, or are unused. */
export const attentions = {
  expiring: 'Expires within 7 days',
  unused: 'Not used for 30 days',
} as const;

export type Attention = keyof typeof attentions;

export const isAttention = (text: string): text is Attention => text in attentions;

const dayMs = 86_400_000;

/** Query of these keys. A key younger than 30 days cannot be unused for 30 days. */
export function attentionQuery(attention: Attention, nowMs: number) {
  if (attention === 'expiring') return { expires_before: new Date(nowMs + 7 * dayMs).toISOString() };
  const since = new Date(nowMs - 30 * dayMs).toISOString();
  return { status: 'active' as const, unused_since: since, created_before: since };
}
