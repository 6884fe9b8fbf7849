import { type AskedScope, askedScopesMax, everyOrganization } from '../domain/asked-scope.ts';
import { SavedUses } from './saved-uses.ts';

type SaveScopes = (asked: readonly AskedScope[]) => Promise<void>;

/** Of all organizations together, about 15 MB while all of them wait. */
const scopesMax = 50_000;

/** A scope that is asked for again is told again after so long. */
const rememberedMs = 24 * 3_600_000;

/**
 * Scopes that accepted verifications asked for, by organization, on their way to where the hygiene
 * report finds them. Each is told once a day: a call that asks for known ones costs a look-up for
 * each. A scope without room is left out, and its organization is told as incomplete.
 */
export class AskedScopes extends SavedUses<AskedScope> {
  /** Told already, or waiting for the next save. */
  #known = new Map<string, Set<string>>();
  #count = 0;
  #knownSinceMs = performance.now();

  constructor(save: SaveScopes, onFault: (error: unknown) => void) {
    super({ save: (asked) => save([...asked.values()]), onFault, merge: (earlier) => earlier });
  }

  note(organizationId: string, scopes: readonly string[]): void {
    const known = this.#known.get(organizationId);
    for (const scope of scopes) if (known?.has(scope) !== true) this.#learn(organizationId, scope);
  }

  /** Tells everything anew: to a broker that may not have heard it. */
  forget(): void {
    this.#known = new Map();
    this.#count = 0;
    this.#knownSinceMs = performance.now();
  }

  override async flush(): Promise<void> {
    await super.flush();
    const isFull = this.#count > scopesMax / 2;
    if (isFull || performance.now() - this.#knownSinceMs > rememberedMs) this.forget();
  }

  #learn(organizationId: string, scope: string): void {
    const known = this.#known.get(organizationId) ?? new Set();
    const isFull = known.size >= askedScopesMax;
    if (isFull || this.#count >= scopesMax) {
      this.#leaveOut(isFull ? organizationId : everyOrganization);
      return;
    }
    this.#known.set(organizationId, known.add(scope));
    this.#count += 1;
    this.add(`${organizationId} ${scope}`, { organizationId, scope });
  }

  #leaveOut(organizationId: string): void {
    this.add(organizationId, { organizationId, scope: null });
  }
}
