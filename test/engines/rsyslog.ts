import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { findProgram, rsyslogModules } from '../../scripts/services/debian-programs.ts';
import type { ServerProcess } from '../../scripts/services/server-process.ts';
import type { Authority } from '../support/certificates.ts';
import { quietPort } from '../support/quiet-port.ts';
import { makeHome, startEngine } from './engine.ts';

export type Rsyslog = {
  port: number;
  /** Texts of the received messages, in their order. */
  lines(): Promise<string[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
};

/**
 * rsyslog that asks for client certificates of this authority, and writes what it gets to a file.
 */
export async function startRsyslog(authority: Authority): Promise<Rsyslog> {
  const program = await findProgram('rsyslog');
  const home = await makeHome(program, '-v');
  const own = await authority.issue({
    subject: '/CN=siem',
    alternativeNames: 'IP:127.0.0.1',
    purpose: 'serverAuth',
  });
  const copy = async (name: string, file: string) => home.write(name, await readFile(file, 'utf8'));
  const [ca, certificate, key] = [
    await copy('ca.pem', authority.certificate),
    await copy('own.pem', own.certificate),
    await copy('own.key', own.key),
  ];
  const port = await quietPort();
  const received = home.at('received.log');
  const settings = await home.write(
    'rsyslog.conf',
    `global(workDirectory="${home.directory}" maxMessageSize="64k" defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="${ca}" defaultNetstreamDriverCertFile="${certificate}" defaultNetstreamDriverKeyFile="${key}")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
template(name="whole" type="string" string="%app-name% %msgid% %pri-text% %msg:::sp-if-no-1st-sp%%msg%\\n")
action(type="omfile" file="${received}" template="whole" flushOnTXEnd="on")
input(type="imtcp" port="${port}" address="127.0.0.1")
`,
  );
  const command = [program.path, '-n', '-f', settings, '-i', home.at('pid'), '-M', rsyslogModules(program)];
  let running: ServerProcess | undefined;
  const start = async () => {
    running = await startEngine({
      name: 'rsyslog',
      command,
      env: program.env,
      home,
      isReady: () => isListening(port),
    });
  };
  await start();
  return {
    port,
    start,
    stop: async () => running?.stop('SIGTERM', 10_000),
    async lines() {
      const text = await readFile(received, 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
  };
}

function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
