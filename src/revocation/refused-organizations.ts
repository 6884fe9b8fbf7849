/**
 * Set of suspended and deleted organizations, kept current by the change feed. Suspending one with
 * a million keys is then one row, and cached records need no organization status.
 */
export class RefusedOrganizations {
  #ids = new Set<string>();

  has(organizationId: string): boolean {
    // The set is mostly empty, and the name need not be read: one memory access less per call.
    return this.#ids.size > 0 && this.#ids.has(organizationId);
  }

  replace(organizationIds: readonly string[]): void {
    this.#ids = new Set(organizationIds);
  }

  apply(organizationId: string, status: string | null): void {
    if (status === 'active') this.#ids.delete(organizationId);
    else this.#ids.add(organizationId);
  }
}
