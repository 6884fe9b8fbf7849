import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Action } from './action.ts';
import type { Operation } from './checker.ts';
import { findContradictions } from './contradictions.ts';
import {
  accepted,
  disabled,
  enabled,
  type Line,
  lapsed,
  minted,
  refreshed,
  refused,
  refusedForOrganization,
  released,
  reported,
  resumed,
  revoked,
  suspended,
  written,
} from './histories.ts';
import { falsified, simulated, simulation, strict } from './simulated-history.ts';

const unanswered = Infinity;
const owner = { userId: 'usr_1', organizationId: 'org_1' };

function contradictionsIn(history: Operation<Action>[]) {
  return findContradictions(history.map((operation) => ({ owners: [owner], operation })));
}

const possible: Record<string, Line[]> = {
  'nothing at all': [],
  'a life from mint to revoke': [
    [0, 1, minted('a')],
    [2, 3, accepted('a')],
    [4, 5, refreshed('b')],
    [6, 7, refused('a')],
    [6, 7, accepted('b')],
    [8, 9, revoked],
    [10, 11, refused('b')],
  ],
  'either verdict while the revoke runs': [
    [0, 1, minted('a')],
    [2, 9, revoked],
    [3, 4, accepted('a')],
    [3, 8, refused('a')],
    [5, 10, accepted('a')],
  ],
  'verifiers that disagree while a pending revoke is not certain': [
    [0, 1, minted('a')],
    [2, 3, revoked, 20],
    [4, 5, refused('a'), 20],
    [6, 7, accepted('a')],
    [21, 22, refused('a')],
  ],
  'a revoke without an answer that never happened': [
    [0, 1, minted('a')],
    [2, unanswered, { kind: 'revoke', outcome: 'unknown' }],
    [5, 6, accepted('a')],
  ],
  'a revoke without an answer that happened late': [
    [0, 1, minted('a')],
    [2, unanswered, { kind: 'revoke', outcome: 'unknown' }],
    [5, 6, accepted('a')],
    [7, 8, refused('a')],
    [9, 10, { kind: 'revoke', outcome: 'absent' }],
  ],
  'a mint without an answer that is in the way of the next': [
    [0, unanswered, { kind: 'mint', outcome: 'unknown' }],
    [5, 6, { kind: 'mint', outcome: 'exists' }],
    [7, 8, revoked],
    [9, 10, minted('a')],
  ],
  'two refreshes at once, of which the second lives': [
    [0, 1, minted('a')],
    [2, 6, refreshed('b')],
    [2, 6, refreshed('c')],
    [7, 8, accepted('b')],
    [7, 8, refused('c')],
  ],
  'a switch that stays where it was through a refresh': [
    [0, 1, minted('a')],
    [2, 3, disabled('a')],
    [4, 5, refreshed('b')],
    [6, 7, refused('b')],
    [8, 9, enabled('b')],
    [10, 11, accepted('b')],
  ],
  'a new key, and the old one while its revoke is not certain': [
    [0, 1, minted('a')],
    [2, 3, revoked, 20],
    [4, 5, minted('b')],
    [6, 7, accepted('b')],
    [8, 9, accepted('a')],
  ],
  'a quarantine, a new key beside it, and a release when that is gone': [
    [0, 1, minted('a')],
    [2, 3, reported('a')],
    [4, 5, refused('a')],
    [6, 7, minted('b')],
    [8, 9, { kind: 'release', outcome: 'exists', key: 'a' }],
    [10, 11, { kind: 'revoke', outcome: 'revoked', key: 'b' }],
    [12, 13, released('a')],
    [14, 15, accepted('a')],
  ],
  'a quarantine that a refresh ends': [
    [0, 1, minted('a')],
    [2, 3, reported('a')],
    [4, 5, refreshed('b')],
    [6, 7, accepted('b')],
    [6, 7, refused('a')],
    [8, 9, { kind: 'release', outcome: 'inactive', key: 'a' }],
  ],
  'a suspension and its end': [
    [0, 1, minted('a')],
    [2, 3, suspended],
    [4, 5, refusedForOrganization('a')],
    [4, 5, { kind: 'refresh', outcome: 'suspended' }],
    [6, 7, resumed],
    [8, 9, accepted('a')],
  ],
};

describe('accepts', () => {
  test.each(Object.entries(possible))('%s', (_, lines) => {
    expect(contradictionsIn(written(...lines))).toEqual([]);
  });
});

const impossible: Record<string, { lines: Line[]; misfit: Action }> = {
  'an accept after the revoke': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, revoked],
      [4, 5, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'an accept of the old key after the refresh': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, refreshed('b')],
      [4, 5, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'an accept after a pending revoke has become certain': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, revoked, 20],
      [21, 22, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'an accept of a disabled key': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, disabled('a')],
      [4, 5, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'an accept after the answer to a report': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, reported('a')],
      [4, 5, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'a refusal after the answer to a release': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, reported('a')],
      [4, 5, released('a')],
      [6, 7, refused('a')],
    ],
    misfit: refused('a'),
  },
  'a release after the hour': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, reported('a')],
      [4, 5, lapsed('a')],
      [6, 7, released('a')],
    ],
    misfit: released('a'),
  },
  'a refusal of an enabled key': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, disabled('a')],
      [4, 5, enabled('a')],
      [6, 7, refused('a')],
    ],
    misfit: refused('a'),
  },
  'an accept in a suspended organization': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, suspended],
      [4, 5, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'a refusal of a key that was just minted': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, refused('a')],
    ],
    misfit: refused('a'),
  },
  'a flip-flop between verifiers with nothing going on': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, accepted('a')],
      [4, 5, refused('a')],
      [6, 7, accepted('a')],
    ],
    misfit: refused('a'),
  },
  'verifiers that still disagree when a lease has passed after the first refusal': {
    lines: [
      [0, 1, minted('a')],
      [2, unanswered, { kind: 'revoke', outcome: 'unknown' }],
      [3, 4, refused('a'), 10],
      [5, 6, accepted('a'), 12],
      [13, 14, accepted('a'), 20],
    ],
    misfit: accepted('a'),
  },
  'a revoke without an answer that happened and was undone': {
    lines: [
      [0, 1, minted('a')],
      [2, unanswered, { kind: 'revoke', outcome: 'unknown' }],
      [3, 4, refused('a')],
      [5, 6, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'an accept after a revoke was repeated and answered as complete, although the first one is not certain': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, revoked, 20],
      [4, 5, { kind: 'revoke', outcome: 'absent' }],
      [6, 7, accepted('a')],
    ],
    misfit: accepted('a'),
  },
  'two mints that both succeed': {
    lines: [
      [0, 5, minted('a')],
      [0, 6, minted('b')],
    ],
    misfit: minted('b'),
  },
  'two refreshes whose keys both live': {
    lines: [
      [0, 1, minted('a')],
      [2, 6, refreshed('b')],
      [2, 6, refreshed('c')],
      [7, 8, accepted('b')],
      [9, 10, accepted('c')],
    ],
    misfit: accepted('c'),
  },
  'a mint that was answered and lost': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, minted('b')],
    ],
    misfit: minted('b'),
  },
  'a revoke that found nothing where a key lived': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, { kind: 'revoke', outcome: 'absent' }],
    ],
    misfit: { kind: 'revoke', outcome: 'absent' },
  },
  'a conflict with a key that does not live': {
    lines: [
      [0, 1, minted('a')],
      [2, 3, revoked],
      [4, 5, { kind: 'mint', outcome: 'exists' }],
    ],
    misfit: { kind: 'mint', outcome: 'exists' },
  },
  'a mint in a suspended organization': {
    lines: [
      [0, 1, suspended],
      [2, 3, minted('a')],
    ],
    misfit: minted('a'),
  },
};

describe('finds', () => {
  test.each(Object.entries(impossible))('%s', (_, { lines, misfit }) => {
    expect(contradictionsIn(written(...lines)).map((found) => found.misfit.action)).toContainEqual(misfit);
  });
});

describe('of histories that a lease protocol brings about', () => {
  test('none is rejected', () => {
    fc.assert(
      fc.property(simulation, (plan) => {
        expect(contradictionsIn(simulated(plan))).toEqual([]);
      }),
    );
  });

  test('each is rejected once a verdict is turned round that nothing ran beside', () => {
    fc.assert(
      fc.property(simulation, fc.nat(), (plan, choice) => {
        const history = falsified(simulated(strict(plan)), choice);
        fc.pre(history !== undefined);
        expect(contradictionsIn(history ?? [])).not.toEqual([]);
      }),
    );
  });

  test('a thousand operations take milliseconds', () => {
    const answered = fc.sample(simulation, { numRuns: 400, seed: 1 }).flat();
    const history = simulated(answered.filter(({ answer }) => answer !== 'lost').slice(0, 1_000));
    const startMs = performance.now();
    expect(contradictionsIn(history)).toEqual([]);
    expect(history).toHaveLength(1_000);
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});
