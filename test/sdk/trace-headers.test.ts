import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { judge } from '../../src/sdk/gate.ts';
import type { TraceHeaders } from '../../src/sdk/trace-headers.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { mint } from '../support/keys.ts';
import { embed } from './embedded.ts';

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const tracestate = 'vendor=value';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

/** Every request to the broker, by the end of its path, with its trace headers. */
function listening() {
  const sent: { path: string; trace: TraceHeaders }[] = [];
  const listener: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    const trace = [...headers].filter(([name]) => name.startsWith('trace'));
    sent.push({
      path: new URL(String(input)).pathname.split('/').at(-1) ?? '',
      trace: Object.fromEntries(trace),
    });
    return fetch(input, init);
  };
  return {
    fetch: listener,
    of: (path: string) => sent.filter((one) => one.path === path).map(({ trace }) => trace),
  };
}

async function ask(rawHeaders: readonly string[], traceHeaders?: () => TraceHeaders) {
  const sent = listening();
  const verifier = await embed(broker, { fetch: sent.fetch, traceHeaders });
  const [free, limited] = [
    await mint(broker),
    await mint(broker, { rate_limit: { limit: 5, window_seconds: 60 } }),
  ];
  for (const { key } of [free, free, limited, limited]) {
    const outcome = await judge(verifier, ['X-API-Key', key, ...rawHeaders], {});
    expect(outcome.isAllowed).toBe(true);
  }
  // Of the second time nothing is asked for the free key; a limited one is the broker's.
  expect(sent.of('records')).toHaveLength(2);
  expect(sent.of('verify')).toHaveLength(2);
  return sent;
}

test('the middleware passes the trace of a request on with what it asks for it, and with nothing else', async () => {
  const sent = await ask(['Traceparent', traceparent, 'tracestate', tracestate]);
  for (const path of ['records', 'verify']) {
    expect(sent.of(path)).toEqual([
      { traceparent, tracestate },
      { traceparent, tracestate },
    ]);
  }
  expect(sent.of('heartbeat').every((trace) => Object.keys(trace).length === 0)).toBe(true);
});

test.each([
  ['none', []],
  ['a malformed one', ['traceparent', `${traceparent.slice(1)}\u00e9`]],
  ['two of them', ['traceparent', traceparent, 'traceparent', traceparent]],
  ['a state alone', ['tracestate', tracestate]],
])('of a request with %s no trace is passed on', async (_what, rawHeaders) => {
  const sent = await ask(rawHeaders);
  expect([...sent.of('records'), ...sent.of('verify')]).toEqual([{}, {}, {}, {}]);
});

test('an application that traces by itself says which span asks', async () => {
  const own = { traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` };
  const sent = await ask(['traceparent', traceparent], () => own);
  expect([...sent.of('records'), ...sent.of('verify')]).toEqual([own, own, own, own]);
});

test('the client asks for the trace before each request, and no such header replaces a credential', async () => {
  const sent = listening();
  let calls = 0;
  const traceHeaders = () => {
    calls += 1;
    return { traceparent, tracestate: `call=${calls}`, 'x-flowplate-master-key': 'nothing' };
  };
  const { url: baseUrl, masterKey } = broker;
  const client = new FlowplateClient({ baseUrl, masterKey, fetch: sent.fetch, traceHeaders });
  const { key } = await client.mint({ user_id: 'traced', organization_id: 'acme' });
  expect((await client.verify({ key })).valid).toBe(true);
  expect([...sent.of('api-keys'), ...sent.of('verify')]).toEqual([
    { traceparent, tracestate: 'call=1' },
    { traceparent, tracestate: 'call=2' },
  ]);
});
