import { type AuditEventType, systemOrigin } from '../audit-event.ts';
import { type EventEnvelope, toEnvelope } from './envelope.ts';
import { eventTypes } from './event-types.ts';

const targets: Record<string, string> = {
  organization: 'org_acme',
  environment: 'env_0P2bQe7sT1yV3xW5zA7cE9',
  key: 'flk_1Z3dRg9uV3aX5bY7cC9eG1',
  'master key': 'flm_1Z3dRg9uV3aX5bY7cC9eG1',
  'tenant key': 'ak_1Z3dRg9uV3aX5bY7cC9eG1',
  'platform key': 'ak_1Z3dRg9uV3aX5bY7cC9eG1',
  'platform user': 'puser_1Z3dRg9uV3aX5bY7cC9eG1',
  'API user': 'usr_1Z3dRg9uV3aX5bY7cC9eG1',
  role: 'role_1Z3dRg9uV3aX5bY7cC9eG1',
  stop: 'stop_1Z3dRg9uV3aX5bY7cC9eG1',
  job: 'job_1Z3dRg9uV3aX5bY7cC9eG1',
  'import secret': 'old-signing',
  operation: 'createMasterKey',
  'audit event': 'evt_1Z3dRg9uV3aX5bY7cC9eG1',
};

/** Of the broker itself: only time makes them. */
const ofTime = /\.(expiring|expired|stale|unused|lapsed|fault)$|^key\.quota\.reached$/;

const ofOrganizations = /^(organization|environment|key|tenant)\./;

/** An example of each type, for documents and for trying a receiver. */
export function exampleEnvelope(type: AuditEventType): EventEnvelope {
  const { target, example } = eventTypes[type];
  return toEnvelope({
    id: 'evt_2A4fTi1wX5cZ7dB9eE1gI3',
    eventType: type,
    actor: ofTime.test(type)
      ? systemOrigin.actor
      : { kind: 'platform_user', id: 'puser_0P2bQe7sT1yV3xW5zA7cE9' },
    organizationId: ofOrganizations.test(type) ? 'org_acme' : null,
    targetId: targets[target] ?? '01977c3e-8f0a-7c11-9d3e-5b6a7c8d9e0f',
    requestId: ofTime.test(type) ? null : 'req_4C6hVk3yZ7eB9fD1',
    onBehalfOf: null,
    clientAddress: null,
    result: 'success',
    details: example,
    createdAt: new Date('2026-12-01T09:30:00.000Z'),
  });
}
