import { type Action, type ActionOf, isVerification } from './action.ts';
import type { Model } from './checker.ts';

/** A key once dead never lives again: only the one action that brought it forth makes it live. */
export type OwnerState = { live: string | null; enabled: boolean; organizationActive: boolean };

/** The key of a change that got no answer: nobody knows it, so nobody asks for it. */
const unknownKey = '?';

/**
 * The contract of one owner's key, if everything happened in one place and one thing after the
 * other.
 */
export const ownerModel: Model<OwnerState, Action> = {
  initial: { live: null, enabled: true, organizationActive: true },
  step: (state, action) => steps[action.kind](state, action as never),
  isVerification,
  nameOf: ({ live, enabled, organizationActive }) => `${live} ${enabled} ${organizationActive}`,
};

type Step<Kind extends Action['kind']> = (
  state: OwnerState,
  action: ActionOf<Kind>,
) => OwnerState | undefined;

const steps: { [Kind in Action['kind']]: Step<Kind> } = {
  mint(state, action) {
    if (action.outcome === 'exists') return only(state, state.live !== null);
    if (action.outcome === 'suspended') return only(state, !state.organizationActive);
    if (state.live !== null || !state.organizationActive) return undefined;
    return { ...state, live: bornBy(action), enabled: true };
  },
  refresh(state, action) {
    if (action.outcome === 'absent') return only(state, state.live === null);
    if (state.live === null) return undefined;
    if (action.outcome === 'suspended') return only(state, !state.organizationActive);
    return state.organizationActive ? { ...state, live: bornBy(action) } : undefined;
  },
  revoke(state, { key, outcome }) {
    const isAlive = state.live !== null && (key === undefined || key === state.live);
    if (outcome === 'absent') return only(state, !isAlive);
    if (outcome === 'revoked' && !isAlive) return undefined;
    return isAlive ? { ...state, live: null } : state;
  },
  enable: (state, action) => turn(state, action, true),
  disable: (state, action) => turn(state, action, false),
  suspend: (state) => (state.organizationActive ? { ...state, organizationActive: false } : state),
  resume: (state) => (state.organizationActive ? state : { ...state, organizationActive: true }),
  verify(state, { key, outcome }) {
    const isGood = state.live === key && state.enabled;
    if (!isGood) return only(state, outcome === 'refused');
    return only(state, outcome === (state.organizationActive ? 'accepted' : 'suspended'));
  },
};

function only(state: OwnerState, isPossible: boolean): OwnerState | undefined {
  return isPossible ? state : undefined;
}

function bornBy(action: ActionOf<'mint' | 'refresh'>): string {
  return 'key' in action ? action.key : unknownKey;
}

function turn(
  state: OwnerState,
  { key, outcome }: ActionOf<'enable' | 'disable'>,
  enabled: boolean,
): OwnerState | undefined {
  const isLive = state.live === key;
  if (outcome === 'inactive') return only(state, !isLive);
  if (!isLive) return undefined;
  return state.enabled === enabled ? state : { ...state, enabled };
}
