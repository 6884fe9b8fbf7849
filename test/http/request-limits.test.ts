import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FlowplateError } from '../../src/domain/errors.ts';
import { managementNames, RequestLimits } from '../../src/http/request-limits.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { closedLoop } from '../support/closed-loop.ts';
import { expectError } from '../support/errors.ts';
import { keysPath, mint, newOwner, verify } from '../support/keys.ts';
import { platformKey } from '../support/platform-callers.ts';

describe('the meter', () => {
  const backend = { kind: 'master_key', id: 'flm_1', name: 'one' } as const;
  const other = { ...backend, id: 'flm_2' };

  function meter(perSecond: number) {
    const clock = { nowMs: 0 };
    const refused: string[] = [];
    const parts = {
      names: managementNames,
      perSecond,
      nowMs: () => clock.nowMs,
      onRefusal: (kind: string) => refused.push(kind),
    };
    return { clock, refused, limits: new RequestLimits(parts) };
  }

  const taken = (limits: RequestLimits, count: number) => {
    let admitted = 0;
    for (let index = 0; index < count; index++) {
      try {
        limits.take(backend);
        admitted += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(FlowplateError);
      }
    }
    return admitted;
  };

  test('lets ten seconds of requests through at once, then as many as the time gives', () => {
    const { limits, clock, refused } = meter(5);
    expect(taken(limits, 80)).toBe(50);
    expect(refused).toHaveLength(30);
    clock.nowMs = 1_000;
    expect(taken(limits, 80)).toBe(5);
    clock.nowMs = 60_000;
    expect(taken(limits, 80)).toBe(50);
  });

  test('counts each credential for itself, and says what is left', () => {
    const { limits } = meter(1);
    taken(limits, 20);
    expect(limits.take(other)).toEqual({
      name: 'management',
      limit: 10,
      windowSeconds: 10,
      remaining: 9,
      resetSeconds: 1,
    });
    expect(() => limits.take(backend)).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED', retryAfterSeconds: 1 }),
    );
  });

  test('remembers a bounded number of credentials', () => {
    const { limits } = meter(1);
    taken(limits, 10);
    for (let index = 0; index < 10_000; index++) limits.take({ ...backend, id: `flm_x${index}` });
    expect(taken(limits, 1)).toBe(1);
  });
});

describe('the management API', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ MANAGEMENT_RATE_LIMIT: '2' });
  });
  afterAll(() => broker.close());

  test('tells each credential what is left, and refuses it with 429 beyond', async () => {
    const { secret: as } = await broker.createMasterKey();
    const first = await broker.call(`GET ${keysPath}`, { as });
    expect(first.headers.get('ratelimit-policy')).toBe('"management";q=20;w=10');
    expect(first.headers.get('ratelimit')).toMatch(/^"management";r=19;t=1$/);
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => broker.call(`GET ${keysPath}`, { as })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(15);
    const [one] = refused;
    if (one === undefined) throw new Error('none was refused');
    expectError(one, 429, 'RATE_LIMITED');
    expect(Number(one.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(one.headers.get('ratelimit')).toMatch(/^"management";r=0;t=\d+$/);
    expect(await broker.metrics.registry.metrics()).toMatch(
      /flowplate_rate_limited_requests_total\{kind="master_key"\} [1-9]/,
    );
  });

  test('limits operators too', async () => {
    const { headers } = await platformKey(broker);
    const list = () => broker.call('GET /api/v1/platform/tenants', { as: null, headers });
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await list()).status));
    expect(statuses).toContain(429);
  });

  test('never refuses an end of a key, and does not count verification', async () => {
    const { secret: as } = await broker.createMasterKey();
    const minted = await mint(broker, {}, { as });
    await Promise.all(Array.from({ length: 40 }, () => broker.call(`GET ${keysPath}`, { as })));
    for (let time = 0; time < 30; time++) {
      expect(await verify(broker, minted.key, {}, { as })).toMatchObject({ valid: true });
    }
    // The limit grows again meanwhile: as many as it has at most come together.
    const again = await Promise.all(Array.from({ length: 40 }, () => broker.call(`GET ${keysPath}`, { as })));
    expect(again.map(({ status }) => status)).toContain(429);
    expect((await broker.call(`DELETE ${keysPath}/${minted.key_id}`, { as })).status).toBe(200);
  });

  test('a runaway backend starves no other', async () => {
    const [runaway, quiet] = [await broker.createMasterKey(), await broker.createMasterKey()];
    const request = () => {
      const text = JSON.stringify(newOwner());
      return `POST ${keysPath} HTTP/1.1\r\nHost: x\r\nx-flowplate-master-key: ${runaway.secret}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    };
    const flood = closedLoop(Number(new URL(broker.url).port), request, 30);
    const waits: number[] = [];
    for (let time = 0; time < 10; time++) {
      const askedAt = performance.now();
      const answer = await broker.call(`POST ${keysPath}`, { as: quiet.secret, body: newOwner() });
      waits.push(performance.now() - askedAt);
      expect(answer.status).toBe(201);
    }
    flood.end();
    expect(Math.max(...waits)).toBeLessThan(1_000);
    expect(flood.statuses.get('429')).toBeGreaterThan(100);
    expect(flood.statuses.get('201')).toBeLessThan(100);
  });
});
