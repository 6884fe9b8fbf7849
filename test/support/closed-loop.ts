import { connect } from 'node:net';
import { onTestFinished } from 'vitest';

export type ClosedLoop = {
  answers: number;
  /** Number of answers by status. */
  statuses: Map<string, number>;
  closed: number;
  end(): void;
};

/**
 * Keep-alive connections that send their next request as soon as they have an answer, until the
 * test is over.
 */
export function closedLoop(port: number, request: () => string, connections: number): ClosedLoop {
  const statuses = new Map<string, number>();
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request()));
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      for (const [, status = ''] of String(text).matchAll(/HTTP\/1\.1 (\d{3})/g)) {
        loop.answers += 1;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        socket.write(request());
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      loop.closed += 1;
    });
    return socket;
  });
  const end = () => {
    for (const socket of sockets) socket.destroy();
  };
  const loop: ClosedLoop = { answers: 0, statuses, closed: 0, end };
  onTestFinished(end);
  return loop;
}
