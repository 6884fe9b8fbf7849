/** Whether platform users log in with a second factor: never, when they have one, or always. */
export const secondFactorSettings = ['off', 'optional', 'required'] as const;

export type SecondFactorSetting = (typeof secondFactorSettings)[number];

/** How a second factor is proved. A recovery code stands in for a lost factor. */
export const secondFactorKinds = ['totp', 'passkey', 'recovery_code'] as const;

export type SecondFactorKind = (typeof secondFactorKinds)[number];

/** Kinds that an account can have; recovery codes come with the first. */
export const enrolledKinds = ['totp', 'passkey'] as const;

export type EnrolledKind = (typeof enrolledKinds)[number];

export type SecondFactor = {
  id: string;
  kind: EnrolledKind;
  name: string;
  createdAt: Date;
  lastUsedAt: Date | null;
};

/** An account may have a passkey for each device, and a spare one. */
export const passkeysMax = 10;

export const recoveryCodesNumber = 10;

/** Long enough to find the phone, short enough that a forgotten page is no way in. */
export const passkeyChallengeLifeMs = 5 * 60_000;

/** Purpose of a challenge. A signature for one purpose is no good for another. */
export type ChallengePurpose = 'log in' | 'confirm' | 'enroll';

/** Proof of a second factor, as the owner of an account sends it. */
export type SecondFactorProof =
  | { kind: 'totp'; code: string }
  | { kind: 'recovery_code'; code: string }
  | ({ kind: 'passkey' } & PasskeySignature);

/** Signature of a passkey over a challenge, as the browser hands it out: base64url texts. */
export type PasskeySignature = {
  credentialId: string;
  clientData: string;
  authenticatorData: string;
  signature: string;
};

/** Public half of a new passkey, as the browser hands it out: base64url texts. */
export type NewPasskey = {
  credentialId: string;
  clientData: string;
  attestation: string;
  transports: string[];
};

/** Request to a browser for the signature of a challenge by a passkey. */
export type PasskeyRequest = { challenge: string; rpId: string; credentialIds: string[] };
