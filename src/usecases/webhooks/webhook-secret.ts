import type { RandomBytes } from '../../domain/clock.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { openUnderPepper, sealUnderPepper } from '../../domain/pepper-seal.ts';
import type { SealedSecret, SealedSecrets } from '../../stores/postgres/webhooks/webhooks.ts';

const purpose = 'webhook secret';

/** Standard Webhooks 1.0: 24 to 64 bytes. */
const secretBytes = 32;

/** `whsec_` and base64, as the libraries of receivers read it. */
export function newWebhookSecret(randomBytes: RandomBytes): string {
  return `whsec_${Buffer.from(randomBytes(secretBytes)).toString('base64')}`;
}

/** Under the current pepper, bound to the endpoint's id: a stolen table signs nothing. */
export function sealWebhookSecret(keyring: Keyring, webhookId: string, secret: string): SealedSecret {
  return sealUnderPepper(keyring, purpose, webhookId, secret);
}

function openWebhookSecret(keyring: Keyring, webhookId: string, sealed: SealedSecret): string {
  const secret = openUnderPepper(keyring, purpose, webhookId, sealed);
  if (secret !== undefined) return secret;
  throw new Error(`The secret of ${webhookId} lies under the unknown pepper ${sealed.pepperId}`);
}

/** The secrets to sign with: the current one, and the one before while it rotates. */
export function openWebhookSecrets(
  keyring: Keyring,
  webhookId: string,
  { current, previous }: SealedSecrets,
): string[] {
  return [current, previous]
    .filter((sealed) => sealed !== null)
    .map((sealed) => openWebhookSecret(keyring, webhookId, sealed));
}

/** The same secrets under the current pepper. */
export function resealWebhookSecrets(
  keyring: Keyring,
  webhookId: string,
  { current, previous }: SealedSecrets,
): SealedSecrets {
  const reseal = (sealed: SealedSecret) =>
    sealWebhookSecret(keyring, webhookId, openWebhookSecret(keyring, webhookId, sealed));
  return { current: reseal(current), previous: previous && reseal(previous) };
}
