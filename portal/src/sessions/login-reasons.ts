/** Why the login is shown again, by the `reason` in its address. */
const reasons: Record<string, string> = {
  ended: 'Your session has ended. Log in to go on where you were.',
  changed: 'Your password was changed. Log in with the new one.',
  'provider-expired': 'The sign-in took too long, or was begun in another tab. Try again.',
  'provider-unavailable': 'The company’s sign-in does not answer at the moment. Try again in a minute.',
  'provider-cancelled': 'The company’s sign-in was cancelled, or does not let you use Flowplate Keys.',
  'provider-untrusted':
    'The answer of the company’s sign-in could not be trusted. Try again; if it happens again, tell an administrator.',
  'provider-no-role':
    'Your company account is in no group that may use Flowplate Keys. Ask an administrator for one.',
  'provider-email-taken':
    'Another account here has your e-mail address already. Ask an administrator to change or delete it.',
  'provider-inactive': 'Your account is not active. Ask an administrator.',
  'provider-another-account':
    'You signed in with another company account than the one of this session, or the session has ended.',
  'provider-busy': 'Too many people sign in at the moment. Try again in a minute.',
};

export function reasonText(reason: string | null): string | undefined {
  return reasons[reason ?? ''];
}
