import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import {
  bootstrapped,
  goodPassword,
  type LoggedIn,
  logIn,
  platformUser,
} from '../../support/platform-users.ts';

const path = '/api/v1/platform/users';
const missing = 'puser_0000000000000000000000';

let broker: TestBroker;
let root: LoggedIn;
let admin: LoggedIn;
let viewer: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
  admin = await platformUser(broker, root, ['role_platform_operator']);
  viewer = await platformUser(broker, root, ['role_platform_viewer']);
});
afterAll(() => broker.close());

type As = { headers: Record<string, string> };
const call = ({ headers }: As, operation: string, body?: unknown) =>
  broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });
const get = (as: As, id: string) => call(as, `GET ${path}/${id}`);
const update = (as: As, id: string, body: unknown) => call(as, `PUT ${path}/${id}`, body);
const remove = (as: As, id: string) => call(as, `DELETE ${path}/${id}`);
const reset = (as: As, id: string, password = 'another fine long password') =>
  call(as, `POST ${path}/${id}/reset-password`, { password });
const create = (as: As, changed: Record<string, unknown> = {}) =>
  call(as, `POST ${path}`, {
    email: `${randomUUID()}@example.com`,
    password: goodPassword,
    name: 'Somebody',
    ...changed,
  });
const auditOf = (id: string) =>
  broker.db.selectFrom('audit_events').selectAll().where('target_id', '=', id).orderBy('id').execute();

describe('the matrix of roles', () => {
  const somebody = () => platformUser(broker, root, ['role_platform_viewer']);

  test('viewing needs admin or super-admin', async () => {
    for (const as of [root, admin]) {
      expect((await call(as, `GET ${path}`)).status).toBe(200);
      expect((await get(as, root.id)).status).toBe(200);
    }
    expectError(await call(viewer, `GET ${path}`), 403, 'INSUFFICIENT_PERMISSIONS');
    expectError(await get(viewer, root.id), 403, 'INSUFFICIENT_PERMISSIONS');
  });

  test('editing name, roles and status needs admin or super-admin', async () => {
    const { id } = await somebody();
    for (const as of [root, admin]) {
      expect((await update(as, id, { name: 'Renamed' })).body).toMatchObject({ id, name: 'Renamed' });
      expect((await update(as, id, { role_ids: [] })).body.role_ids).toEqual([]);
      expect((await update(as, id, { is_active: false })).body.is_active).toBe(false);
    }
    expectError(await update(viewer, id, { name: 'No' }), 403, 'INSUFFICIENT_PERMISSIONS');
  });

  test('creating, resetting and deleting need super-admin, with any other permissions', async () => {
    const { id } = await somebody();
    const everything = await call(root, 'POST /api/v1/platform/roles', {
      name: `everything ${randomUUID()}`,
      permissions: (await call(root, 'GET /api/v1/platform/auth/me')).body.permissions,
    });
    const nearly = await platformUser(broker, root, [everything.body.id]);
    for (const as of [admin, viewer, nearly]) {
      for (const answer of [await create(as), await reset(as, id), await remove(as, id)]) {
        expectError(answer, 403, 'INSUFFICIENT_PERMISSIONS');
      }
      const withPassword = await update(as, id, { password: 'another fine long password' });
      expectError(withPassword, 403, 'INSUFFICIENT_PERMISSIONS');
    }
    expect((await create(root)).status).toBe(201);
    expect((await reset(root, id)).body).toEqual({ success: true });
    expect((await remove(root, id)).body).toEqual({ success: true, deleted: id });
    expectError(await get(root, id), 404, 'USER_NOT_FOUND');
  });

  test('a user without roles may do nothing', async () => {
    const nobody = await platformUser(broker, root, []);
    expectError(await call(nobody, `GET ${path}`), 403, 'INSUFFICIENT_PERMISSIONS');
    expect((await call(nobody, 'GET /api/v1/platform/auth/me')).body.permissions).toEqual([]);
  });

  test('tenant keys and master keys are unknown credentials here', async () => {
    const tenant = await tenantKey(broker, 'org_tenant');
    expectError(await call(tenant, `GET ${path}`), 401, 'AUTHENTICATION_REQUIRED');
    expectError(await broker.call(`GET ${path}`), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('a refusal is audited, with its caller and operation', async () => {
    await create(viewer);
    const rows = await broker.db
      .selectFrom('audit_events')
      .selectAll()
      .where('event_type', '=', 'platform.access.refused')
      .where('actor_id', '=', viewer.id)
      .where('target_id', '=', 'createPlatformUser')
      .execute();
    expect(rows.at(-1)).toMatchObject({
      result: 'refused',
      actor_kind: 'platform_user',
      details: { code: 'INSUFFICIENT_PERMISSIONS' },
    });
  });
});

describe('nobody grants or changes what they do not hold', () => {
  test('an admin makes no super-admin, and touches none', async () => {
    const { id } = await platformUser(broker, root, []);
    const grant = await update(admin, id, { role_ids: ['role_platform_admin'] });
    expectError(grant, 403, 'INSUFFICIENT_PERMISSIONS');
    for (const change of [
      { name: 'No' },
      { is_active: false },
      { role_ids: [] },
      { email: 'no@example.com' },
    ]) {
      expectError(await update(admin, root.id, change), 403, 'INSUFFICIENT_PERMISSIONS');
    }
    expect((await update(admin, id, { role_ids: ['role_platform_operator'] })).status).toBe(200);
  });

  test('an admin gives themselves no more than they have', async () => {
    const change = { role_ids: ['role_platform_operator', 'role_platform_admin'] };
    expectError(await update(admin, admin.id, change), 403, 'INSUFFICIENT_PERMISSIONS');
  });
});

describe('oneself', () => {
  test('cannot be deleted, reset or deactivated', async () => {
    expectError(await remove(root, root.id), 403, 'SELF_ACTION_FORBIDDEN');
    expectError(await reset(root, root.id), 403, 'SELF_ACTION_FORBIDDEN');
    expectError(await update(root, root.id, { is_active: false }), 403, 'SELF_ACTION_FORBIDDEN');
    expectError(await update(root, root.id, { password: goodPassword }), 403, 'SELF_ACTION_FORBIDDEN');
  });
});

describe('the last super-admin', () => {
  test('is neither demoted, deactivated nor deleted, also when eight leave at once', async () => {
    const other = await startBroker();
    try {
      const one = await bootstrapped(other);
      const key = await platformKey(other);
      const by = (operation: string, body?: unknown) =>
        other.call(operation, { as: null, headers: key.headers, ...(body !== undefined && { body }) });
      const demote = (id: string) => by(`PUT ${path}/${id}`, { role_ids: [] });
      expectError(await demote(one.id), 409, 'LAST_SUPER_ADMIN');
      expectError(await by(`PUT ${path}/${one.id}`, { is_active: false }), 409, 'LAST_SUPER_ADMIN');
      expectError(await by(`DELETE ${path}/${one.id}`), 409, 'LAST_SUPER_ADMIN');
      const others = await Promise.all(Array.from({ length: 7 }, () => platformUser(other, one)));
      const outcomes = await Promise.all([one, ...others].map(({ id }) => demote(id)));
      expect(outcomes.filter(({ status }) => status === 409)).toHaveLength(1);
    } finally {
      await other.close();
    }
  });
});

describe('a change of roles', () => {
  test('binds the next request of a token that is already out', async () => {
    const user = await platformUser(broker, root, ['role_platform_operator']);
    expect((await call(user, `GET ${path}`)).status).toBe(200);
    await update(root, user.id, { role_ids: ['role_platform_viewer'] });
    expectError(await call(user, `GET ${path}`), 403, 'INSUFFICIENT_PERMISSIONS');
  });
});

describe('404', () => {
  test('a user who is not there', async () => {
    const answers = [await get(root, missing), await update(root, missing, { name: 'x' })];
    answers.push(await remove(root, missing), await reset(root, missing));
    for (const answer of answers) expectError(answer, 404, 'USER_NOT_FOUND');
  });

  test('a caller who may not read users gets the same answer for an existing and a missing user', async () => {
    expect(bytesOf(await get(viewer, root.id))).toBe(bytesOf(await get(viewer, missing)));
  });
});

describe('409', () => {
  test('an address that is taken, in any case or form of Unicode', async () => {
    const email = `jo.${randomUUID()}@example.com`;
    await create(root, { email });
    for (const same of [email, email.toUpperCase(), email.replace('jo', 'ｊｏ')]) {
      expectError(await create(root, { email: same }), 409, 'EMAIL_ALREADY_EXISTS');
      expectError(await update(root, viewer.id, { email: same }), 409, 'EMAIL_ALREADY_EXISTS');
    }
    expect((await update(root, viewer.id, { email: viewer.email.toUpperCase() })).status).toBe(200);
  });
});

describe('422', () => {
  test.each([
    ['an address without @', { email: 'nobody' }, 'email'],
    ['an address with a blank', { email: 'a b@example.com' }, 'email'],
    ['an address with an invisible letter', { email: 'a\u200bb@example.com' }, 'email'],
    ['a short password', { password: 'fourteen chars' }, 'password'],
    ['a guessable password', { password: 'passwordpassword' }, 'password'],
    ['no name', { name: ' ' }, 'name'],
    ['a name with a line break', { name: 'a\nb' }, 'name'],
    ['a role that is not there', { role_ids: ['role_000000000000'] }, 'role_ids'],
    ['roles that are none', { role_ids: ['admin'] }, 'role_ids.0'],
  ])('%s is refused', async (_what, changed, where) => {
    expectViolations(await create(root, changed), where);
  });

  test('the own name in the password is refused', async () => {
    const changed = { name: 'Wolfgang Amadeus', password: 'wolfgangamadeus' };
    expectViolations(await create(root, changed), 'password');
  });

  test('every column of the table that is not meant to be sent is refused', async () => {
    const { rows } = await sql<{ column_name: string }>`
      SELECT column_name FROM information_schema.columns WHERE table_name = 'platform_users'`.execute(
      broker.db,
    );
    const ours = ['email', 'name', 'role_ids'];
    const columns = rows.map((row) => row.column_name).filter((name) => !ours.includes(name));
    expect(columns).toContain('password_hash');
    for (const column of columns) {
      expectError(await create(root, { [column]: 'x' }), 422, 'VALIDATION_ERROR');
      if (column !== 'is_active') {
        expectError(await update(root, viewer.id, { [column]: 'x' }), 422, 'VALIDATION_ERROR');
      }
    }
  });

  test('a change of nothing is refused', async () => {
    expectViolations(await update(root, viewer.id, {}), '');
  });

  test('a cursor that was tampered with, and a limit out of bounds', async () => {
    const forged = Buffer.from("puser_' OR 1=1").toString('base64url');
    expectViolations(await call(root, `GET ${path}?cursor=${forged}`), 'cursor');
    for (const place of [
      ['email', false, 'x', "puser_' OR 1=1"],
      ['email', false, '\0', missing],
      ['password_hash', false, 'x', missing],
      ['email', false, 'x'],
    ]) {
      const made = Buffer.from(JSON.stringify(place)).toString('base64url');
      expectViolations(await call(root, `GET ${path}?sort=email&cursor=${made}`), 'cursor');
    }
    expectViolations(await call(root, `GET ${path}?limit=101`), 'limit');
    expectViolations(await call(root, `GET ${path}?search=%00`), 'search');
  });
});

describe('the list', () => {
  test('is a bare array, newest first, and its pages hold every user once while others are added', async () => {
    const made = [await create(root), await create(root), await create(root)].map(({ body }) => body.id);
    const seen: string[] = [];
    let next: string | null = `${path}?limit=2`;
    while (next !== null) {
      const { body, headers }: Awaited<ReturnType<typeof call>> = await call(root, `GET ${next}`);
      seen.push(...body.map((user: { id: string }) => user.id));
      next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? null;
      await create(root);
    }
    expect(seen.slice(0, 3)).toEqual(made.reverse());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain(root.id);
  });

  describe('is sorted by the server, either way, and its pages hold every user once', () => {
    type Shown = {
      id: string;
      name: string;
      email: string;
      is_active: boolean;
      last_login_at: string | null;
    };
    const mark = `sorted-${randomUUID().slice(0, 8)}`;
    const login = ({ last_login_at }: Shown) => last_login_at;
    let all: Shown[];
    beforeAll(async () => {
      const names = ['delta', 'Alpha', 'charlie', 'Bravo', 'alpha'];
      const made = await Promise.all(
        names.map((name, index) =>
          create(root, { name: `${name} ${mark}`, email: `${9 - index}@${mark}.test` }),
        ),
      );
      const [first, second, third] = made.map(({ body }) => body as Shown);
      await logIn(broker, first?.email ?? '');
      await logIn(broker, third?.email ?? '');
      await update(root, second?.id ?? '', { is_active: false });
      all = (await call(root, `GET ${path}?search=${mark}`)).body;
    });

    async function pages(query: string): Promise<Shown[]> {
      const seen: Shown[] = [];
      let next: string | null = `${path}?search=${mark}&limit=2&${query}`;
      while (next !== null) {
        const { body, headers }: Awaited<ReturnType<typeof call>> = await call(root, `GET ${next}`);
        expect(body.length).toBeLessThanOrEqual(2);
        seen.push(...body);
        next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? null;
      }
      expect(seen.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
      return seen;
    }

    test.each<[sort: string, shownOf: (user: Shown) => string | null]>([
      ['email', ({ email }) => email],
      ['name', ({ name }) => name.toLowerCase()],
      ['status', ({ is_active }) => (is_active ? 'active' : 'inactive')],
      ['created', ({ id }) => id],
    ])('%s', async (sort, shownOf) => {
      const ascending = (await pages(`sort=${sort}&order=asc`)).map(shownOf);
      expect(ascending).toEqual(all.map(shownOf).sort());
      expect((await pages(`sort=${sort}&order=desc`)).map(shownOf)).toEqual(ascending.reverse());
    });

    test('last_login, with users who have never logged in at the end in both directions', async () => {
      const logins = all.map(login).filter((at) => at !== null);
      expect(logins).toHaveLength(2);
      expect((await pages('sort=last_login')).map(login)).toEqual([...logins.sort(), null, null, null]);
      const descending = (await pages('sort=last_login&order=desc')).map(login);
      expect(descending).toEqual([...logins.sort().reverse(), null, null, null]);
    });

    test('a cursor of another order is refused', async () => {
      const { headers } = await call(root, `GET ${path}?search=${mark}&sort=name&limit=2`);
      const cursor = /cursor=([^>&]+)/.exec(headers.get('link') ?? '')?.[1];
      for (const order of ['sort=email', 'sort=name&order=desc', '']) {
        expectViolations(await call(root, `GET ${path}?${order}&cursor=${cursor}`), 'cursor');
      }
    });

    test('an order that there is not is refused', async () => {
      expectViolations(await call(root, `GET ${path}?sort=password_hash`), 'sort');
      expectViolations(await call(root, `GET ${path}?sort=name&order=up`), 'order');
    });
  });

  test('finds by a part of the name or the address, and % and _ are letters like others', async () => {
    const name = `100%_sure ${randomUUID()}`;
    const { body } = await create(root, { name });
    const search = async (text: string) =>
      (await call(root, `GET ${path}?search=${encodeURIComponent(text)}`)).body.map(({ id }: LoggedIn) => id);
    expect(await search(name.slice(2, 30).toUpperCase())).toEqual([body.id]);
    expect(await search(body.email.slice(0, 20))).toEqual([body.id]);
    expect(await search(`${'%'.repeat(3)}`)).toEqual([]);
  });
});

describe('what is written down', () => {
  test('every change with its actor, and never a password', async () => {
    const { body } = await create(root, { role_ids: ['role_platform_viewer'] });
    await update(admin, body.id, { name: 'New', role_ids: [] });
    await reset(root, body.id, 'a secret that nobody may read');
    await remove(root, body.id);
    const events = await auditOf(body.id);
    expect(events.map(({ event_type, actor_id }) => [event_type, actor_id])).toEqual([
      ['platform.user.created', root.id],
      ['platform.user.updated', admin.id],
      ['platform.user.password_changed', root.id],
      ['platform.user.deleted', root.id],
    ]);
    expect(JSON.stringify(events)).not.toContain('nobody may read');
    expect(events[1]?.details).toEqual({ changed: ['name'], role_ids: [] });
  });

  test('only fields that have another value than before, and nothing when there is none', async () => {
    const roles = ['role_platform_viewer', 'role_platform_operator'];
    const { body } = await create(root, { role_ids: roles });
    const { email, name } = body;
    const same = { email, name, role_ids: [...roles].reverse(), is_active: true, is_break_glass: false };
    expect((await update(root, body.id, same)).status).toBe(200);
    expect((await update(root, body.id, { ...same, name: 'New', is_active: false })).status).toBe(200);
    const events = await auditOf(body.id);
    expect(events.slice(1).map(({ details }) => details)).toEqual([{ changed: ['name'], is_active: false }]);
  });
});
