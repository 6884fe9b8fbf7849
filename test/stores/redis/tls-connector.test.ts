import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { TlsConnector } from '../../../src/stores/redis/tls-connector.ts';
import { atEnd, endAll } from '../../support/at-end.ts';

afterAll(endAll);

test('an error that comes behind the first one of a connection ends no process', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  atEnd(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const connector = new TlsConnector({ host: '127.0.0.1', port, tls: {} });
  const stream = await connector.connect();
  // As ioredis listens.
  const first = once(stream, 'error').catch((error: Error) => [error]);
  stream.emit('error', new Error('first'));
  expect((await first)[0]).toMatchObject({ message: 'first' });
  expect(stream.emit('error', new Error('second'))).toBe(true);
  expect(connector.firstError?.message).toBe('first');
  stream.destroy();
});

test('a connector that was told to disconnect opens nothing', async () => {
  const connector = new TlsConnector({ host: '127.0.0.1', port: 1, tls: {} });
  const connecting = connector.connect();
  connector.disconnect();
  await expect(connecting).rejects.toThrow('closed');
});
