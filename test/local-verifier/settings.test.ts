import { CommanderError } from 'commander';
import { expect, test, vi } from 'vitest';
import { readSettings } from '../../src/local-verifier/settings.ts';

const listen = ['--listen', 'unix:/run/flowplate/verifier.sock'];
const broker = ['--broker', 'https://keys-1.internal:9123/'];
const keyFile = ['--master-key-file', '/run/secrets/gateway-key'];
const good = [...listen, ...broker, ...keyFile];

test('everything that is given is read, and what may stand several times keeps its order', () => {
  const settings = readSettings([
    ...good,
    ...['--listen', '127.0.0.1:9223', '--listen', '[::1]:0', '--grpc', 'unix:/run/flowplate/authz.sock'],
    ...['--broker', 'http://keys-2.internal:9123/base', '--metrics', '127.0.0.1:9224'],
  ]);
  expect(settings).toEqual({
    listen: [
      { path: '/run/flowplate/verifier.sock' },
      { host: '127.0.0.1', port: 9223 },
      { host: '::1', port: 0 },
    ],
    grpc: [{ path: '/run/flowplate/authz.sock' }],
    brokers: ['https://keys-1.internal:9123', 'http://keys-2.internal:9123/base'],
    masterKeyFile: '/run/secrets/gateway-key',
    metrics: { host: '127.0.0.1', port: 9224 },
    trustListener: undefined,
    fastLane: true,
  });
  expect(readSettings([...good, '--trust-listener']).trustListener).toBe(true);
  expect(readSettings([...good, '--no-trust-listener']).trustListener).toBe(false);
  expect(readSettings([...good, '--no-fast-lane']).fastLane).toBe(false);
});

test.each<[name: string, args: string[], named: string]>([
  ['nothing at all', [], '--broker'],
  ['no listener', [...broker, ...keyFile], '--listen'],
  ['no broker', [...listen, ...keyFile], '--broker'],
  ['no master key', [...listen, ...broker], '--master-key-file'],
  ['an unknown option', [...good, '--port', '1'], '--port'],
  ['a word', [...good, 'start'], 'argument'],
  ['a socket with a relative path', [...good, '--listen', 'unix:x.sock'], '--listen'],
  ['a socket with a path that is too long', [...good, '--listen', `unix:/${'x'.repeat(107)}`], '--listen'],
  ['a directory', [...good, '--grpc', 'unix:/tmp/'], '--grpc'],
  ['a port without a host', [...good, '--listen', '9223'], '--listen'],
  ['a port that is too high', [...good, '--listen', '127.0.0.1:70000'], '--listen'],
  ['an IPv6 address without brackets', [...good, '--listen', '::1:9223'], '--listen'],
  ['a name in brackets', [...good, '--listen', '[localhost]:9223'], '--listen'],
  ['a broker without a scheme', [...good, '--broker', 'keys.internal:9123'], '--broker'],
  ['a broker with a query', [...good, '--broker', 'https://keys.internal/?a=b'], '--broker'],
  ['a broker with a password', [...good, '--broker', 'https://u:secret@keys.internal'], '--broker'],
  ['metrics on a socket', [...good, '--metrics', 'unix:/tmp/m.sock'], '--metrics'],
])('%s is refused in one line that names the option', (_name, args, named) => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  expect(() => readSettings(args)).toThrow(CommanderError);
  expect(written.join('')).toMatch(/^error: [^\n]+\n$/);
  expect(written.join('')).toContain(named);
});
