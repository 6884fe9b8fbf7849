/** Types of the operators' API, under its own names. Times are RFC 3339 in UTC. */
export type { ActorKind, AuditEventType } from '../domain/audit-event.ts';
export type { MasterKeyPermission, PlatformPermission } from '../domain/permission.ts';
export type * from './platform/common-types.ts';
export type * from './platform/key-types.ts';
export type * from './platform/platform-types.ts';
