import { type Action, type ActionOf, isVerification } from './action.ts';
import type { Model } from './checker.ts';

/** A key that is revoked never lives again. A quarantined one lives again after its release. */
export type OwnerState = {
  live: string | null;
  enabled: boolean;
  organizationActive: boolean;
  /** The oldest first, each with its own switch. */
  quarantined: readonly { key: string; enabled: boolean }[];
  /** The key that was issued last: only its quarantine is continued by a refresh. */
  newest: string | null;
};

/** The key of a change that got no answer: nobody knows it, so nobody asks for it. */
const unknownKey = '?';

/**
 * The contract of one owner's key, if everything happened in one place and one thing after the
 * other.
 */
export const ownerModel: Model<OwnerState, Action> = {
  initial: { live: null, enabled: true, organizationActive: true, quarantined: [], newest: null },
  step: (state, action) => steps[action.kind](state, action as never),
  isVerification,
  nameOf: ({ live, enabled, organizationActive, quarantined, newest }) =>
    [live, enabled, organizationActive, newest, ...quarantined.flatMap(Object.values)].join(' '),
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
    return { ...state, live: bornBy(action), enabled: true, newest: bornBy(action) };
  },
  refresh(state, action) {
    const before = state.live === null ? state.quarantined.find(({ key }) => key === state.newest) : state;
    if (action.outcome === 'absent') return only(state, before === undefined);
    if (before === undefined) return undefined;
    if (action.outcome === 'suspended') return only(state, !state.organizationActive);
    if (!state.organizationActive) return undefined;
    const live = bornBy(action);
    const quarantined = state.quarantined.filter((one) => one !== before);
    return { ...state, live, newest: live, enabled: before.enabled, quarantined };
  },
  revoke(state, { key, outcome }) {
    const ends = (one: string | null) => one !== null && (key === undefined || key === one);
    const live = ends(state.live) ? null : state.live;
    const quarantined = state.quarantined.filter((one) => !ends(one.key));
    const endsAny = live !== state.live || quarantined.length < state.quarantined.length;
    if (outcome === 'absent') return only(state, !endsAny);
    if (outcome === 'revoked' && !endsAny) return undefined;
    return endsAny ? { ...state, live, quarantined } : state;
  },
  enable: (state, action) => turn(state, action, true),
  disable: (state, action) => turn(state, action, false),
  suspend: (state) => (state.organizationActive ? { ...state, organizationActive: false } : state),
  resume: (state) => (state.organizationActive ? state : { ...state, organizationActive: true }),
  report(state, { key }) {
    if (state.live !== key) return state;
    const { enabled } = state;
    return { ...state, live: null, quarantined: [...state.quarantined, { key, enabled }] };
  },
  release(state, action) {
    const held = state.quarantined.find(({ key }) => key === action.key);
    if (action.outcome === 'inactive') return only(state, held === undefined);
    if (held === undefined) return action.outcome === 'unknown' ? state : undefined;
    if (action.outcome === 'exists') return only(state, state.live !== null);
    if (state.live !== null) return action.outcome === 'unknown' ? state : undefined;
    if (action.outcome === 'done' && action.enabled !== held.enabled) return undefined;
    const quarantined = state.quarantined.filter((one) => one !== held);
    return { ...state, live: held.key, enabled: held.enabled, quarantined };
  },
  lapse(state, { key, outcome }) {
    const quarantined = state.quarantined.filter((one) => one.key !== key);
    const isHeld = quarantined.length < state.quarantined.length;
    if (outcome === 'inactive' && isHeld) return undefined;
    return isHeld ? { ...state, quarantined } : state;
  },
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
