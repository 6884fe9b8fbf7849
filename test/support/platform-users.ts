import { randomUUID } from 'node:crypto';
import { superAdminRoleId } from '../../src/domain/role.ts';
import type { TestBroker } from './broker.ts';
import type { Answer } from './call.ts';
import { insist } from './insist.ts';
import { tenantKey } from './platform-callers.ts';

export const goodPassword = 'correct horse battery staple';

export type LoggedIn = { id: string; email: string; token: string; headers: { authorization: string } };

/** The first platform user of a broker, logged in. */
export async function bootstrapped(broker: TestBroker): Promise<LoggedIn> {
  const { headers } = await tenantKey(broker, 'org_first');
  const body = { email: 'root@example.com', password: goodPassword, name: 'Root' };
  await insist(() => broker.call('POST /api/v1/platform/bootstrap', { as: null, headers, body }));
  return logIn(broker, body.email);
}

/** A platform user made by `by`, logged in. */
export async function platformUser(
  broker: TestBroker,
  by: { headers: Record<string, string> },
  roleIds: string[] = [superAdminRoleId],
): Promise<LoggedIn> {
  const email = `user-${randomUUID()}@example.com`;
  const body = { email, password: goodPassword, name: 'User', role_ids: roleIds };
  const options = { as: null, headers: by.headers, body };
  await insist(() => broker.call('POST /api/v1/platform/users', options));
  return logIn(broker, email);
}

/** A platform user with these permissions alone, logged in. `by` holds them. */
export async function platformUserWith(
  broker: TestBroker,
  by: { headers: Record<string, string> },
  permissions: string[],
): Promise<LoggedIn> {
  const body = { name: `role ${randomUUID()}`, permissions };
  const options = { as: null, headers: by.headers, body };
  const role = await insist(() => broker.call('POST /api/v1/platform/roles', options));
  return platformUser(broker, by, [role.body.id]);
}

export async function logIn(broker: TestBroker, email: string, password = goodPassword): Promise<LoggedIn> {
  const { status, body } = await insist(() => tryLogIn(broker, email, password));
  if (status !== 200) throw new Error(`log-in of ${email}: ${JSON.stringify(body)}`);
  const { token, user } = body;
  return { id: user.id, email, token, headers: { authorization: `Bearer ${token}` } };
}

export function tryLogIn(broker: TestBroker, email: string, password = goodPassword): Promise<Answer> {
  return broker.call('POST /api/v1/platform/auth/login', { as: null, body: { email, password } });
}
