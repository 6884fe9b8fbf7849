import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { insertDeviceLogin } from '../../../src/stores/postgres/sessions/device-logins.ts';
import { finishSignIn } from '../../../src/stores/postgres/sessions/finished-sign-ins.ts';
import { pruneSessions } from '../../../src/usecases/upkeep/prune-sessions.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

test('finished sign-ins and device log-ins past their end are dropped, the others are kept', async () => {
  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);
  await db.transaction().execute(async (tx) => {
    for (const expiresAt of [inMinutes(-1), inMinutes(1)]) {
      await finishSignIn(tx, { id: randomBytes(32), expiresAt });
      await insertDeviceLogin(tx, {
        deviceDigest: randomBytes(32),
        userDigest: randomBytes(32),
        place: randomBytes(32),
        address: undefined,
        userAgent: undefined,
        intervalSeconds: 5,
        createdAt: new Date(),
        expiresAt,
      });
    }
  });
  expect(await pruneSessions({ db })).toBe(2);
  for (const table of ['finished_sign_ins', 'device_logins'] as const) {
    const kept = await db.selectFrom(table).select('expires_at').execute();
    expect(kept).toHaveLength(1);
    expect(kept[0]?.expires_at.getTime()).toBeGreaterThan(Date.now());
  }
});
