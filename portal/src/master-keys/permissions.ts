import type { MasterKeyPermission } from './use-master-keys.ts';

/** All permissions, with what each allows. */
export const permissions: Record<MasterKeyPermission, string> = {
  'keys:mint': 'Make keys for users',
  'keys:refresh': 'Replace them by new ones',
  'keys:revoke': 'End them',
  'keys:read': 'Look at them',
  'keys:verify': 'Ask whether a key is good, as gateways do',
  'keys:verify:embedded': 'Verify by itself with the SDK; revokes wait for it',
  'keys:explain': 'See why a key is refused, and its last refusals',
  'keys:bulk': 'Revoke, disable or enable many keys at once',
  'keys:import': 'Import keys of other products by their hashes',
  'keys:canary': 'Make bait that tells when somebody uses it',
  'usage:read': 'See how much they are used',
};
