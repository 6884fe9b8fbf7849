import type { RandomBytes } from '../../domain/clock.ts';
import { hmac, type Keyring } from '../../domain/key-digest.ts';
import { seal, unseal } from '../../domain/seal.ts';
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
  const sealed = seal(hmac(keyring[0], `${purpose}\n${webhookId}`), purpose, secret);
  return { sealed, pepperId: keyring[0].id };
}

function openWebhookSecret(keyring: Keyring, webhookId: string, { sealed, pepperId }: SealedSecret): string {
  const pepper = keyring.find((known) => known.id === pepperId);
  if (pepper === undefined)
    throw new Error(`The secret of ${webhookId} lies under the unknown pepper ${pepperId}`);
  return unseal(hmac(pepper, `${purpose}\n${webhookId}`), purpose, sealed);
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
