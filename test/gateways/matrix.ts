import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revokeEverywhere } from '../support/keys.ts';
import { testBodies } from './bodies.ts';
import { testFaults } from './faults.ts';
import { testForgery } from './forgery.ts';
import { fronts } from './front.ts';
import type { Gateway } from './gateway.ts';
import { testPreflight } from './preflight.ts';
import { send } from './send.ts';
import {
  decided,
  expectPassed,
  expectRefused,
  type Ground,
  openGround,
  openSite,
  type Site,
} from './site.ts';
import { testSmokeTest } from './smoke-test.ts';

const firstDownloadMs = 240_000;
const challenge = 'Bearer realm="flowplate"';

/**
 * Tests that every documented gateway must pass, before the API and before a local verifier. `more`
 * are those of one gateway alone.
 */
export function testGateway(gateway: Gateway, more: (site: () => Site) => void = () => undefined): void {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  }, firstDownloadMs);
  afterAll(endAll);

  describe.each(fronts)('before $name', (front) => {
    let site: Site;
    beforeAll(async () => {
      site = await openSite(gateway, front, ground);
    }, firstDownloadMs);
    testDecisions(() => site);
    testForgery(() => site);
    testBodies(() => site);
    testFaults(() => site);
    testPreflight(() => site);
    testSmokeTest(() => site);
    more(() => site);
  });
}

function testDecisions(opened: () => Site): void {
  let site: Site;
  beforeAll(() => {
    site = opened();
  });

  describe('decisions', () => {
    test('a good key passes in either header; the application learns who it is, and no credential', async () => {
      const { key, ...who } = await mint(site.broker, { scopes: ['read', 'write'] });
      for (const headers of [{ 'X-API-Key': key }, { Authorization: `Bearer ${key}` }]) {
        const seen = await expectPassed(site, '/orders?page=2', { headers });
        expect(seen).toMatchObject({ method: 'GET', url: '/orders?page=2' });
        expect(seen.headers).toMatchObject({
          'x-flowplate-user-id': who.user_id,
          'x-flowplate-organization-id': who.organization_id,
          'x-flowplate-key-id': who.key_id,
          'x-flowplate-environment': 'test',
          'x-flowplate-scopes': 'read write',
        });
        expect(JSON.stringify(seen)).not.toMatch(/fl_(user|master)_/);
      }
    });

    test('no key: 401 that names the scheme', async () => {
      const { headers } = await expectRefused(site, 401, '/');
      expect(headers['www-authenticate']).toBe(challenge);
    });

    test('a key that nobody minted: 401 invalid_token', async () => {
      const key = newSecret('user', 'test', randomBytes);
      const { headers } = await expectRefused(site, 401, '/', { headers: { 'X-API-Key': key } });
      expect(headers['www-authenticate']).toBe(`${challenge}, error="invalid_token"`);
    });

    test('a revoked key is refused in the first request after the revoke has answered', async () => {
      for (let round = 0; round < 5; round += 1) {
        const { key, key_id } = await mint(site.broker);
        const options = { headers: { 'X-API-Key': key } };
        await expectPassed(site, '/', options);
        await revokeEverywhere(site.broker, key_id);
        await expectRefused(site, 401, '/', options);
      }
    });

    test('a path that demands a scope is open to keys that have it, however the path is written', async () => {
      const with_ = await mint(site.broker, { scopes: ['admin'] });
      const without = await mint(site.broker, { scopes: ['read'] });
      const headers = { 'X-API-Key': without.key };
      await expectPassed(site, '/admin/users', { headers: { 'X-API-Key': with_.key } });
      const { body } = await expectRefused(site, 403, '/admin/users', { headers });
      expect(body).not.toContain('scope');
      for (const path of [
        '/admin',
        '/%61dmin/users',
        '//admin/users',
        '/x/../admin/users',
        '/./admin',
        '/x/%2e%2e/admin',
      ]) {
        expect((await decided(() => site.send(path, { headers }))).status, path).toBeOneOf([400, 403]);
      }
    });

    test('a limited key: 429, and the client is told when to come back', async () => {
      const { key } = await mint(site.broker, { rate_limit: { limit: 1, window_seconds: 3_600 } });
      const options = { headers: { 'X-API-Key': key } };
      const ask = () => site.send('/?deny=403', options);
      const { headers } = await eventually(10_000, ask, ({ status }) => status === 429);
      expect(headers['retry-after']).toMatch(/^3[56]\d\d$/);
      expect(headers.ratelimit).toBe(`"rate";r=0;t=${headers['retry-after']}`);
      expect(headers['ratelimit-policy']).toBe('"rate";q=1;w=3600');
    });

    test('a gateway whose own key is not good lets nobody in', async () => {
      const { key } = await mint(site.broker);
      const { secret: mintsOnly } = await site.broker.createMasterKey({ permissions: ['keys:mint'] });
      for (const [masterKey, status] of [
        [newSecret('master', 'test', randomBytes), 401],
        [mintsOnly, 403],
      ] as const) {
        const url = await site.another({ masterKey });
        const ask = () => send(url, '/', { headers: { 'X-API-Key': key } });
        expect((await decided(ask)).status).toBe(status);
      }
    });

    test("the application's own answers pass as they are", async () => {
      const { key } = await mint(site.broker);
      for (const status of [401, 403, 404, 429, 500, 502, 503]) {
        const ask = () => site.send(`/status/${status}`, { headers: { 'X-API-Key': key } });
        const answer = await decided(ask);
        expect([answer.status, answer.body]).toEqual([status, 'from the application']);
      }
    });
  });
}
