/** Why a key was ended, as its owner or an operator said. `unspecified` unless they said more. */
export const revocationReasons = [
  'unspecified',
  'key_compromise',
  'superseded',
  'owner_left',
  'privilege_withdrawn',
  'policy',
] as const;

export type RevocationReason = (typeof revocationReasons)[number];
