export const personKinds = ['platform_user', 'api_user'] as const;

export type PersonKind = (typeof personKinds)[number];

/**
 * Name and e-mail address behind the id of a platform user or an API user. They outlive the user,
 * for the audit log, until they are erased; both are null then.
 */
export type Person = {
  id: string;
  kind: PersonKind;
  name: string | null;
  email: string | null;
  /** When the user was deleted; null while it exists. */
  endedAt: Date | null;
  erasedAt: Date | null;
};
