/** An operation on the keys of a (user, organization, environment), with its result. */
export type Action =
  | { kind: 'mint'; outcome: 'minted'; key: string }
  | { kind: 'mint'; outcome: 'exists' | 'suspended' | 'unknown' }
  | { kind: 'refresh'; outcome: 'refreshed'; key: string }
  | { kind: 'refresh'; outcome: 'absent' | 'suspended' | 'unknown' }
  /**
   * `key` narrows it to that key; without it whatever lives ends. `ended` says nothing of whether
   * anything lived.
   */
  | { kind: 'revoke'; outcome: 'revoked' | 'absent' | 'ended' | 'unknown'; key?: string }
  | { kind: 'enable' | 'disable'; outcome: 'done' | 'inactive' | 'unknown'; key: string }
  | { kind: 'suspend' | 'resume'; outcome: 'done' | 'unknown' }
  /** A report of a leak quarantines the key if it lives. `done` says nothing of whether it did. */
  | { kind: 'report'; outcome: 'done' | 'unknown'; key: string }
  /** `enabled`: the switch that the key has again. `exists`: its owner has another key. */
  | { kind: 'release'; outcome: 'done'; key: string; enabled: boolean }
  | { kind: 'release'; outcome: 'inactive' | 'exists' | 'unknown'; key: string }
  /**
   * The hour of a quarantine is over. `inactive`: the key was not quarantined. `done` does not say
   * that it was: after a stop of many keys the row still says so until it is tidied.
   */
  | { kind: 'lapse'; outcome: 'done' | 'inactive' | 'unknown'; key: string }
  /**
   * `refused` for the key's own sake, `suspended` for its organization's: a key that is not good is
   * not asked about further.
   */
  | { kind: 'verify'; outcome: 'accepted' | 'refused' | 'suspended'; key: string };

export type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

export function isVerification(action: Action): action is ActionOf<'verify'> {
  return action.kind === 'verify';
}
