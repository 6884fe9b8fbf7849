import { type Action, isVerification } from './action.ts';
import type { Model, Operation } from './checker.ts';

/**
 * `enabled` belongs to the line of keys: a successor is born as its predecessor was. Null when that
 * is not known.
 */
export type KeyState = { life: 'unborn' | 'live' | 'quarantined' | 'dead'; enabled: boolean | null };

/**
 * Possible verdicts on one key. Its history holds only operations that affect it: a mint of another
 * key says nothing about this one, whose revoke may not be answered yet.
 */
export function keyModel(key: string): Model<KeyState, Action> {
  return {
    initial: { life: 'unborn', enabled: true },
    step: (state, action) => stepKey(key, state, action),
    isVerification,
    nameOf: ({ life, enabled }) => `${life} ${enabled}`,
  };
}

function stepKey(key: string, state: KeyState, action: Action): KeyState | undefined {
  const { life } = state;
  const isOwn = 'key' in action && action.key === key;
  switch (action.kind) {
    case 'mint':
      if (isOwn) return life === 'unborn' ? { life: 'live', enabled: true } : undefined;
      return life === 'unborn' && state.enabled !== true ? { life, enabled: true } : state;
    case 'refresh':
      if (isOwn) return life === 'unborn' ? { ...state, life: 'live' } : undefined;
      return life === 'live' ? { ...state, life: 'dead' } : state;
    case 'revoke':
      if (life === 'quarantined') return { ...state, life: 'dead' };
      if (life !== 'live') return state;
      return action.outcome === 'absent' ? undefined : { ...state, life: 'dead' };
    case 'report':
      return isOwn && life === 'live' ? { ...state, life: 'quarantined' } : state;
    case 'release':
      if (isOwn) return life === 'quarantined' ? { ...state, life: 'live' } : undefined;
      // A successor of the other key would be born as that one is.
      return life === 'unborn' ? { life, enabled: 'enabled' in action ? action.enabled : null } : state;
    case 'lapse':
      return isOwn && life === 'quarantined' ? { ...state, life: 'dead' } : state;
    case 'enable':
    case 'disable':
      // A change of another key says that this one does not live: it comes after this one's end in
      // the feed.
      if ((life === 'live') !== isOwn) return undefined;
      // One that has ended, or has got another beside it, keeps its switch.
      if ((!isOwn && life !== 'unborn') || state.enabled === (action.kind === 'enable')) return state;
      return { life, enabled: action.kind === 'enable' };
    case 'verify':
      if (life === 'live' && state.enabled === null) return state;
      return (life === 'live' && state.enabled) === (action.outcome !== 'refused') ? state : undefined;
    default:
      return state;
  }
}

/**
 * Operations of an owner that belong in the history of one key. An answer without a change promises
 * nothing to verifiers. A mint of another key orders no verdict on this one. Neither does the end
 * of a quarantine, of which no verifier has to hear.
 */
export function bearingOn(key: string, history: readonly Operation<Action>[]): Operation<Action>[] {
  return history
    .filter(({ action }) => bears(key, action))
    .map((operation) =>
      ordersNoVerdict(key, operation.action) ? { ...operation, settled: Infinity } : operation,
    );
}

function bears(key: string, action: Action): boolean {
  if (isVerification(action)) return action.key === key;
  if (action.kind === 'revoke') return action.key === undefined || action.key === key;
  if (action.kind === 'refresh' && action.outcome === 'absent') return false;
  return !['exists', 'suspended', 'inactive'].includes(action.outcome);
}

function ordersNoVerdict(key: string, action: Action): boolean {
  if (action.kind === 'lapse') return true;
  return action.kind === 'mint' && !('key' in action && action.key === key);
}

/** Possible verdicts on valid keys, by their organization's status. */
export const organizationModel: Model<boolean, Action> = {
  initial: true,
  step(isActive, action) {
    if (action.kind === 'suspend' || action.kind === 'resume') return action.kind === 'resume';
    return isVerification(action) && isActive !== (action.outcome === 'accepted') ? undefined : isActive;
  },
  isVerification,
  nameOf: String,
};
