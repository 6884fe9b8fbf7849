import { Button } from '@mantine/core';

type Props = {
  /** The page that leads to the identity provider. */
  page: string;
  /** Where in the portal to go afterwards. */
  next: string;
  /** In a tab of its own, where this one must not be left. */
  isBeside?: boolean;
  /** Confirms the session that there is, in place of a new one. */
  isConfirming?: boolean;
};

/** Leads to the company's identity provider, and back to `next`. */
export function ProviderSignIn({ page, next, isBeside = false, isConfirming = false }: Props) {
  const address = new URL(page, window.location.origin);
  address.searchParams.set('next', next);
  if (isConfirming) address.searchParams.set('confirm', '1');
  return (
    <Button component="a" href={address.href} {...(isBeside && { target: '_blank', rel: 'noreferrer' })}>
      Sign in with your company account
    </Button>
  );
}
