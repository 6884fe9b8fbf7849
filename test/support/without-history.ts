import type { Edit } from './edited-source.ts';

/** Processes that do not notice that the database went back to an earlier state. */
export const withoutHistory: Edit[] = [
  {
    file: 'src/revocation/database-history.ts',
    from: 'if (isKnown && lastSeq < knownSeq)',
    to: 'if (isKnown && lastSeq.toString() === knownSeq.toFixed(3))',
  },
  {
    file: 'src/revocation/database-history.ts',
    from: 'if (contradiction !== undefined) await this.#hold(contradiction);',
    to: '',
  },
  {
    file: 'src/revocation/database-history.ts',
    from: 'if (this.isHeld || historyId !== this.#id || lastSeq < knownSeq) throw restored();',
    to: 'if (historyId === lastSeq.toFixed(knownSeq)) throw restored();',
  },
];
