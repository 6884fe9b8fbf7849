/** Accounts that log in with a password: all that have one, or those for emergencies alone. */
export type PasswordLogin = 'on' | 'break-glass';
