import { describe, expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { type SendOptions, send } from './send.ts';
import { decided, expectRefused, type Site } from './site.ts';

const preflight = {
  Origin: 'https://portal.example',
  'Access-Control-Request-Method': 'POST',
  'Access-Control-Request-Headers': 'x-api-key',
};

export function testPreflight(site: () => Site): void {
  describe('CORS', () => {
    test('without its lines a preflight is a request without a key', async () => {
      await expectRefused(site(), 401, '/', { method: 'OPTIONS', headers: preflight });
    });

    test('with them the gateway answers it, and nothing else passes without a key', async () => {
      const { application, broker, another } = site();
      const url = await another({ answersPreflight: true });
      const heard = application.received.length;
      const ask = (options: SendOptions) => decided(() => send(url, '/orders', options));
      const { status, headers } = await ask({ method: 'OPTIONS', headers: preflight });
      expect(status).toBe(204);
      expect(headers['access-control-allow-origin']).toBe('https://portal.example');
      expect(headers['access-control-allow-headers']?.toLowerCase()).toContain('x-api-key');
      expect((await ask({ method: 'OPTIONS' })).status).toBe(401);
      expect((await ask({ headers: preflight })).status).toBe(401);
      expect(application.received).toHaveLength(heard);
      const { key } = await mint(broker);
      expect((await ask({ headers: { 'X-API-Key': key } })).status).toBe(200);
    });
  });
}
