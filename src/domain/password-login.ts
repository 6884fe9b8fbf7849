/** Who logs in with a password: everybody who has one, or accounts for emergencies alone. */
export type PasswordLogin = 'on' | 'break-glass';
