import type { KeyFilter, Propagated } from '../api-types.ts';
import type { Api, Sendable } from '../sendable.ts';
import type { Deleted, Done } from './common-types.ts';

/** A key of a tenant, or of the platform itself. Never the secret. */
export type ApiKey = Api['GetApiKeyAnswer'];

/** `key` is the secret, shown this once. */
export type CreatedApiKey = Api['CreateApiKeyAnswer'];
export type RotatedApiKey = CreatedApiKey & Propagated;
export type RevokedApiKey = Api['RevokeApiKeyAnswer'];

export type NewApiKey = Sendable<Api['CreateApiKeyBody']>;

/** `platform` is a boolean here, and a word in the query. */
export type ApiKeyFilter = Omit<Sendable<Api['ListApiKeysQuery']>, 'cursor' | 'limit' | 'platform'> & {
  /** Only platform keys, or only tenant keys. */
  platform?: boolean | undefined;
};

export type MasterKey = Api['GetMasterKeyAnswer'];

/** `key` is the secret, shown once. */
export type MasterKeyWithSecret = MasterKey & { key: string };
export type RotatedMasterKey = MasterKeyWithSecret & { previous_id: string } & Propagated;
export type RevokedMasterKey = Done & { message: string } & Propagated;

export type MasterKeyFilter = Omit<Sendable<Api['ListMasterKeysQuery']>, 'cursor' | 'limit'>;
/** An organization for which a master key has minted, with the counts of its keys there. */
export type MintedOrganization = Api['ListMintedOrganizationsAnswer'][number];
export type MasterKeyBounds = Sendable<Api['UpdateMasterKeyBody']>;
export type NewMasterKey = Sendable<Api['CreateMasterKeyBody']>;

export type HiddenKeyFilter = KeyFilter;

export type ApiUser = Api['GetApiUserAnswer'];
export type NewApiUser = Sendable<Api['CreateApiUserBody']>;
export type ApiUserChanges = Sendable<Api['UpdateApiUserBody']>;
/** `api_key` is the secret, shown this once. */
export type CreatedApiUser = Api['CreateApiUserAnswer'];
/**
 * Answer of a call that ends a key. It has `propagation` only while some verifier does not know
 * yet.
 */
export type UpdatedApiUser = ApiUser & Partial<Propagated>;
export type RotatedApiUserKey = Done & Omit<CreatedApiUser, 'user'> & Partial<Propagated>;
export type DeletedApiUser = Deleted & Partial<Propagated>;
