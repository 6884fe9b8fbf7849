import { beforeAll, describe, expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { decided, expectPassed, expectRefused, type Site } from './site.ts';

/** Attacks of a client beside a valid request. */
export function testForgery(site: () => Site): void {
  describe('a client that cheats', () => {
    let key: string;
    let other: string;
    let who: { user_id: string; organization_id: string; key_id: string };
    beforeAll(async () => {
      ({ key, ...who } = await mint(site().broker));
      ({ key: other } = await mint(site().broker));
    });

    test('identity headers that it invents are replaced or removed, in every spelling', async () => {
      const forged = Object.fromEntries(
        ['user-id', 'organization-id', 'key-id', 'environment', 'scopes', 'code', 'master-key'].flatMap(
          (name) => [
            [`X-Flowplate-${name}`, 'forged'],
            [`x_flowplate_${name.replaceAll('-', '_')}`, 'forged'],
          ],
        ),
      );
      const { headers } = await expectPassed(site(), '/', { headers: { ...forged, 'X-API-Key': key } });
      // An application behind CGI or WSGI cannot tell a hyphen from an underscore.
      const told = Object.entries(headers)
        .map(([name, value]) => [name.replaceAll('_', '-'), value])
        .filter(([name, value]) => name?.includes('flowplate') && value !== '');
      expect(Object.fromEntries(told)).toStrictEqual({
        'x-flowplate-user-id': who.user_id,
        'x-flowplate-organization-id': who.organization_id,
        'x-flowplate-key-id': who.key_id,
        'x-flowplate-environment': 'test',
      });
      expect(JSON.stringify(headers)).not.toContain('forged');
    });

    test('a master key of its own does not stand in for a key', async () => {
      const headers = { 'x-flowplate-master-key': site().broker.masterKey };
      await expectRefused(site(), 401, '/', { headers });
      await expectRefused(site(), 401, '/', {
        headers: { ...headers, 'X-API-Key': site().broker.masterKey },
      });
    });

    test('two keys are none', async () => {
      await expectRefused(site(), 401, '/', {
        headers: { 'X-API-Key': key, Authorization: `Bearer ${other}` },
      });
      await expectRefused(site(), 401, '/', { headers: { 'X-API-Key': [key, other] } });
      await expectRefused(site(), 401, '/', { headers: { 'X-API-Key': `${key}, ${other}` } });
      const heard = site().application.received.length;
      const twice = { Authorization: [`Bearer ${key}`, `Bearer ${other}`] };
      // nginx refuses a second Authorization by itself, with 400.
      expect((await decided(() => site().send('/', { headers: twice }))).status).toBeOneOf([400, 401]);
      expect(site().application.received).toHaveLength(heard);
    });

    test('a key in the query or in a cookie is not taken, and the broker logs none of it', async () => {
      for (const path of [`/?api_key=${key}`, `/?X-API-Key=${key}&deny=403`, `/${key}`]) {
        await expectRefused(site(), 401, path);
      }
      await expectRefused(site(), 401, '/', { headers: { Cookie: `X-API-Key=${key}` } });
      expect(site().broker.logLines.join('')).not.toContain(key);
    });

    test('an address that it invents opens no key that is bound to addresses', async () => {
      const far = await mint(site().broker, { ip_allowlist: ['203.0.113.0/24'] });
      const near = await mint(site().broker, { ip_allowlist: ['127.0.0.1'] });
      const invented = { 'X-Forwarded-For': '203.0.113.9', 'X-Real-IP': '203.0.113.9' };
      await expectRefused(site(), 403, '/', { headers: { 'X-API-Key': far.key, ...invented } });
      await expectPassed(site(), '/', { headers: { 'X-API-Key': near.key, ...invented } });
    });

    test('a demand of its own opens nothing', async () => {
      for (const demanded of ['', 'read', 'admin']) {
        const headers = { 'X-API-Key': key, 'x-flowplate-required-scopes': demanded };
        await expectRefused(site(), 403, '/admin', { headers });
      }
    });
  });
}
