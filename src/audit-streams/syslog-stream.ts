import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { type ConnectionOptions, connect } from 'node:tls';
import type { AuditStream } from './audit-stream.ts';
import { toFrame, toSyslogMessage } from './syslog-message.ts';

/** Connection, all events and the receiver's close together. */
const sendMsMax = 10_000;

export type SyslogReceiver = {
  host: string;
  port: number;
  /** PEM texts. Without `ca` the system's authorities are believed. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
};

/**
 * Syslog over TLS (RFC 5425). Syslog acknowledges nothing: what was written may be lost with the
 * connection. So each group of events has a connection of its own, which ends with our close; the
 * receiver closes in turn once it has read all before it (§4.4). Until then nothing is delivered,
 * and the group is sent again.
 */
export function syslogStream(receiver: SyslogReceiver): AuditStream {
  const own = hostname();
  return {
    name: 'syslog',
    send: (events) =>
      sendAndClose(receiver, events.map((event) => toFrame(toSyslogMessage(event, own))).join('')),
  };
}

function sendAndClose({ host, port, ...credentials }: SyslogReceiver, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options: ConnectionOptions = { host, port, minVersion: 'TLSv1.2', ...credentials };
  // SNI takes names only (RFC 6066 §3).
  if (isIP(host) === 0) options.servername = host;
  const socket = connect(options, () => socket.end(text, 'latin1'));
  const timer = setTimeout(() => socket.destroy(new Error('the syslog receiver is too slow')), sendMsMax);
  let isClosedByReceiver = false;
  socket.resume();
  socket.once('end', () => {
    isClosedByReceiver = socket.writableFinished;
  });
  socket.once('error', reject);
  socket.once('close', () => {
    clearTimeout(timer);
    if (isClosedByReceiver) resolve();
    else reject(new Error('the syslog receiver has closed the connection too early'));
  });
  return promise;
}
