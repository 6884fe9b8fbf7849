import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { codesOf, keysPath, mint, newOwner, revoke } from '../../support/keys.ts';
import { mintLines, outcomesOf, readLines, sendLines, toLines } from '../../support/lines.ts';
import { statusesOf } from '../../support/raw-request.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

let organizations = 0;

/** Users of one organization that no other test knows. */
function usersOf(count: number) {
  const organization_id = `org_bulk_${++organizations}`;
  return Array.from({ length: count }, (_, index) => ({ user_id: `usr_${index}`, organization_id }));
}

const countOf = async (organizationId: string) => {
  const rows = await broker.db
    .selectFrom('api_keys')
    .select('id')
    .where('organization_id', '=', organizationId)
    .execute();
  return rows.length;
};

describe('before the answer begins', () => {
  test('a wrong type, a compressed body, too many bytes and a body without a line are refused as a whole', async () => {
    const line = toLines([newOwner()]);
    const codes = async (body: string, headers: Record<string, string>) => {
      const { status, body: answer } = await sendLines(broker, body, { headers });
      return [status, answer.error.code];
    };
    expect(await codes(line, { 'content-type': 'application/json' })).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ]);
    expect(await codes(line, { 'content-encoding': 'gzip' })).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(await codes(line, { 'idempotency-key': 'x'.repeat(256) })).toEqual([422, 'VALIDATION_ERROR']);
    expect(await codes('', {})).toEqual([422, 'VALIDATION_ERROR']);
    expect(await codes('', { 'transfer-encoding': 'chunked' })).toEqual([422, 'VALIDATION_ERROR']);
    const { statuses } = await raw(`Content-Length: ${8 * 1024 * 1024 + 1}`, '');
    expect(statuses).toEqual([413]);
  });

  test('a caller without the permission gets one refusal', async () => {
    const { secret } = await broker.createMasterKey({ permissions: ['keys:read'] });
    const { status } = await sendLines(broker, toLines(usersOf(2)), { as: secret });
    expect(status).toBe(403);
  });
});

describe('each line is answered like a single call, in its place', () => {
  test('keys and errors', async () => {
    const taken = newOwner();
    const { key_id } = await mint(broker, taken);
    const [first, second, third] = [newOwner(), newOwner(), newOwner()];
    const answer = await sendLines(
      broker,
      toLines([
        { ...first, scopes: ['read'], ttl_seconds: 60 },
        taken,
        '{"user_id":',
        '',
        { ...second, colour: 'red' },
        `{"user_id":"u1","user_id":"u2","organization_id":"org_x"}`,
        `{"user_id":"u1","organization_id":"org_x","metadata":{"n":123456789012345678901}}`,
        `{"user_id":"u1","organization_id":"org_x","metadata":{"s":"${'x'.repeat(65_536)}"}}`,
        { ...second, ttl_seconds: 60, expires_at: '2099-01-01T00:00:00Z' },
        third,
      ]),
      { headers: { 'x-request-id': 'req_bulk' } },
    );
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const lines = readLines(answer.body);
    expect(outcomesOf(lines)).toEqual([
      'minted',
      'KEY_ALREADY_EXISTS',
      'INVALID_JSON',
      'INVALID_JSON',
      'VALIDATION_ERROR',
      'INVALID_JSON',
      'VALIDATION_ERROR',
      'PAYLOAD_TOO_LARGE',
      'VALIDATION_ERROR',
      'minted',
    ]);
    const [minted, exists] = lines;
    expect(Object.keys(minted).sort()).toEqual(
      'created_at expires_at key key_id key_prefix organization_id scopes user_id'.split(' '),
    );
    expect(exists.error).toMatchObject({ status: 409, trace_id: 'req_bulk', details: { key_id } });
    expect(await codesOf(broker, [minted, lines[9]])).toEqual(['VALID', 'VALID']);
    const events = await broker.db
      .selectFrom('audit_events')
      .select('request_id')
      .where('target_id', 'in', [minted.key_id, lines[9].key_id])
      .execute();
    expect(events.map(({ request_id }) => request_id)).toEqual(['req_bulk', 'req_bulk']);
    expect(broker.logLines.join('')).not.toContain(minted.key);
  });

  test('the last line needs no newline', async () => {
    const body = usersOf(2)
      .map((one) => JSON.stringify(one))
      .join('\n');
    const { body: text } = await sendLines(broker, body);
    expect(outcomesOf(readLines(text))).toEqual(['minted', 'minted']);
  });

  test('a narrow master key is refused in the lines outside of its lists only', async () => {
    const [own] = usersOf(1);
    const narrow = { organizationIds: [own?.organization_id ?? ''], environments: ['test'] };
    const { secret } = await broker.createMasterKey(narrow);
    const lines = await mintLines(broker, [newOwner(), own, { ...own, environment: 'dev' }], { as: secret });
    expect(outcomesOf(lines)).toEqual(['INSUFFICIENT_PERMISSIONS', 'minted', 'INSUFFICIENT_PERMISSIONS']);
    const refusals = await broker.db
      .selectFrom('audit_events')
      .select('details')
      .where('event_type', '=', 'platform.access.refused')
      .where('target_id', '=', 'mintKeys')
      .execute();
    expect(refusals.length).toBeGreaterThan(0);
  });

  test('a suspended organization refuses its lines only', async () => {
    const [suspended] = usersOf(1);
    await mint(broker, { ...suspended, user_id: 'usr_before' });
    await broker.db
      .updateTable('organizations')
      .set({ status: 'suspended' })
      .where('id', '=', suspended?.organization_id ?? '')
      .execute();
    const lines = await mintLines(broker, [newOwner(), suspended, newOwner()]);
    expect(outcomesOf(lines)).toEqual(['minted', 'ORGANIZATION_SUSPENDED', 'minted']);
  });

  test('bounds of the master key count lines, and are reached exactly in the middle of a body', async () => {
    const { secret } = await broker.createMasterKey({
      settings: { mintQuota: null, livingKeysMax: 7, keyAgeSecondsMax: null },
    });
    const lines = await mintLines(broker, usersOf(20), { as: secret });
    const outcomes = outcomesOf(lines).sort();
    expect(outcomes).toEqual([
      ...Array.from({ length: 13 }, () => 'MINT_QUOTA_EXCEEDED'),
      ...Array.from({ length: 7 }, () => 'minted'),
    ]);
  });

  test('the line after the last allowed one ends the answer, and the lines before it are minted', async () => {
    const bad = Array.from({ length: 9_999 }, () => '{');
    const lines = await mintLines(broker, [...bad, newOwner(), newOwner(), newOwner()]);
    expect(lines).toHaveLength(10_001);
    expect(outcomesOf(lines.slice(9_998))).toEqual(['INVALID_JSON', 'minted', 'PAYLOAD_TOO_LARGE']);
    expect(lines[10_000].error.details).toEqual({ bound: 'lines_max', limit: 10_000 });
  });

  test('so does the line in which a chunked body has too many bytes', async () => {
    const long = 'x'.repeat(65_000);
    const body = toLines([newOwner(), ...Array.from({ length: 130 }, () => long)]);
    const { received } = await raw(
      'Transfer-Encoding: chunked',
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    expect(received).toContain('"key":"fl_user_');
    expect(received).toContain('"bound":"bytes_max"');
  });
});

describe('an Idempotency-Key covers each line by its number', () => {
  test('a repetition gives the same secrets; another body on a line is refused there, and a further line minted', async () => {
    const owners = usersOf(4);
    const options = { headers: { 'idempotency-key': 'bulk-1' } };
    const first = await mintLines(broker, owners.slice(0, 3), options);
    const changed = [owners[0], { ...owners[1], name: 'other' }, owners[2], owners[3]];
    const again = await mintLines(broker, changed, options);
    expect(outcomesOf(again)).toEqual(['minted', 'IDEMPOTENCY_KEY_REUSED', 'minted', 'minted']);
    expect([again[0], again[2]]).toEqual([first[0], first[2]]);
    // The same key at the single call is another request.
    const single = await broker.call(`POST ${keysPath}`, { ...options, body: newOwner() });
    expect(single.status).toBe(201);
  });

  test('two copies at once through two processes mint each key once and give the same secrets', async () => {
    const owners = usersOf(150);
    const replica = await broker.replica();
    try {
      const options = { as: broker.masterKey, headers: { 'idempotency-key': 'bulk-race' } };
      // A busy machine may answer single lines with 503; they are repeated as callers do it.
      const insist = (each: TestBroker) =>
        eventually(
          60_000,
          () => mintLines(each, owners, options),
          (lines) => !lines.some(({ error }) => error?.status === 503),
        );
      const [one, other] = await Promise.all([broker, replica].map(insist));
      expect(outcomesOf(one ?? [])).toEqual(owners.map(() => 'minted'));
      expect(other).toEqual(one);
    } finally {
      await replica.close();
    }
    expect(await countOf(owners[0]?.organization_id ?? '')).toBe(150);
  });

  test('a repetition gives the same secrets also behind many lines that failed the first time', async () => {
    // More lines than those after which a body counts as new, and is not looked up first.
    const taken = usersOf(300);
    expect(outcomesOf(await mintLines(broker, taken))).toEqual(taken.map(() => 'minted'));
    const body = [...taken, ...usersOf(200)];
    const options = { headers: { 'idempotency-key': 'bulk-late' } };
    const first = await mintLines(broker, body, options);
    const expected = body.map((_, index) => (index < 300 ? 'KEY_ALREADY_EXISTS' : 'minted'));
    expect(outcomesOf(first)).toEqual(expected);
    // Nobody's key is in the way of this one any more: only the kept answer is.
    expect((await revoke(broker, first[450].key_id)).status).toBe(200);
    const again = await mintLines(broker, body, options);
    expect(outcomesOf(again)).toEqual(expected);
    expect(again.slice(300)).toEqual(first.slice(300));
  });

  test('after a connection that broke in the middle the repetition mints no second key', async () => {
    const owners = usersOf(1_500);
    const headers = `Idempotency-Key: bulk-broken`;
    const body = toLines(owners);
    const { socket, end } = await begin(`Content-Length: ${body.length}`, body, headers);
    const received = await end((text) => text.split('"key":"').length > 100);
    socket.destroy();
    const lines = await mintLines(broker, owners, { headers: { 'idempotency-key': 'bulk-broken' } });
    expect(outcomesOf(lines)).toEqual(owners.map(() => 'minted'));
    const seen = received.match(/"key":"[^"]+"/g) ?? [];
    expect(seen.length).toBeGreaterThan(99);
    const all = JSON.stringify(lines);
    expect(seen.filter((text) => !all.includes(text))).toEqual([]);
    expect(await countOf(owners[0]?.organization_id ?? '')).toBe(1_500);
  });
});

describe('a client sets the pace', () => {
  test('lines are answered while later ones have not been sent', async () => {
    const [first, second] = usersOf(2);
    const chunk = (one: unknown) => {
      const line = toLines([one]);
      return `${line.length.toString(16)}\r\n${line}\r\n`;
    };
    const { socket, end } = await begin('Transfer-Encoding: chunked', chunk(first));
    await end((text) => text.includes('"key":"'));
    socket.write(`${chunk(second)}0\r\n\r\n`);
    const received = await end((text) => text.endsWith('0\r\n\r\n'));
    expect(received.match(/"key":"/g)).toHaveLength(2);
  });

  test('a reader that takes nothing stops the minting, and its disconnection ends it', async () => {
    const metadata = { text: 'x'.repeat(700) };
    const owners = usersOf(9_000).map((one) => ({ ...one, metadata }));
    const organizationId = owners[0]?.organization_id ?? '';
    const body = toLines(owners);
    const { socket } = await begin(`Content-Length: ${body.length}`, body, '', true);
    let before = -1;
    // Until two looks see the same number: the answer is stuck.
    await eventually(
      60_000,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const [earlier, now] = [before, await countOf(organizationId)];
        before = now;
        return now > 0 && now === earlier;
      },
      (isStuck) => isStuck,
    );
    expect(before).toBeLessThan(9_000);
    socket.destroy();
    const [next] = usersOf(1);
    expect(outcomesOf(await mintLines(broker, [next]))).toEqual(['minted']);
    expect(await countOf(organizationId)).toBeLessThan(9_000);
  });
});

/** Opens a request; `end` resolves with everything received once it satisfies. */
async function begin(framing: string, body: string, headers = '', isPaused = false) {
  const { port, hostname } = new URL(broker.url);
  const socket = connect(Number(port), hostname);
  let received = '';
  let look: () => void = () => undefined;
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  if (!isPaused) {
    socket.on('data', (text) => {
      received += text;
      look();
    });
  }
  await once(socket, 'connect');
  const head = [
    `POST ${keysPath}/batch HTTP/1.1`,
    'Host: broker',
    `x-flowplate-master-key: ${broker.masterKey}`,
    'Content-Type: application/x-ndjson',
    framing,
    ...(headers === '' ? [] : [headers]),
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const end = (isEnough: (text: string) => boolean) =>
    new Promise<string>((resolve) => {
      look = () => isEnough(received) && resolve(received);
      socket.once('close', () => resolve(received));
      look();
    });
  return { socket, end };
}

/** Sends a request, and reads until the answer or the connection ends. */
async function raw(framing: string, body: string) {
  const { socket, end } = await begin(framing, body);
  const received = await end((text) => /\r\n0\r\n\r\n$|"details":.*\}\}$/s.test(text));
  socket.destroy();
  return { received, statuses: statusesOf(received) };
}
