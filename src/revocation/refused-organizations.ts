/**
 * The organizations that are suspended or deleted, fed by the change feed: suspending one with a
 * million keys is one row, and a record in a cache need not know its organization's status.
 */
export class RefusedOrganizations {
  #ids = new Set<string>();

  has(organizationId: string): boolean {
    // Mostly there is none, and then the name need not be read: with 100,000 records each has its
    // own, somewhere in memory.
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
