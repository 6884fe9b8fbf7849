/**
 * A scope that an accepted verification of a key of the organization asked for. Null stands for
 * those that there was no room for.
 */
export type AskedScope = { organizationId: string; scope: string | null };

/** In the place of an organization's id, which has no such character. */
export const everyOrganization = '*';

/** So many scopes of one organization are told apart. */
export const askedScopesMax = 1_000;
