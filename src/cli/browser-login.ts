import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import manifest from '../../package.json' with { type: 'json' };
import { FlowplateApiError, FlowplateUnreachableError } from '../sdk/errors.ts';
import type { DeviceLogin, Login } from '../sdk/operator-types.ts';
import type { Cli } from './cli.ts';
import { Refusal } from './failure.ts';

/** Shown to the person who approves. */
const userAgent = `flowplate/${manifest.version} (${platform()})`;
const slowDownSeconds = 5;

/**
 * Log-in through the browser (device flow, RFC 8628): prints an address and a code, and polls until
 * somebody has answered there. The password is typed at the portal or at the company's provider,
 * never here.
 */
export async function logInByBrowser(cli: Cli, { isOpened }: { isOpened: boolean }): Promise<Login> {
  const started = await start(cli);
  const page = new URL(started.verification_uri, cli.options.server).href;
  const minutes = Math.round(started.expires_in / 60);
  cli.note(
    `Open this address in a browser: ${page}`,
    `Type this code there:           ${started.user_code}`,
    `It is valid for ${minutes} minutes, for this log-in alone. Waiting for the answer …`,
  );
  if (isOpened) openBrowser(page);
  return poll(cli, started);
}

async function start(cli: Cli): Promise<DeviceLogin> {
  try {
    return await cli.as(undefined).session.startDeviceLogin(userAgent);
  } catch (error) {
    if (!(error instanceof FlowplateApiError) || error.code !== 'ROUTE_NOT_FOUND') throw error;
    throw new Refusal('this server has no log-in by browser. Log in with a password: add --email <email>');
  }
}

async function poll(cli: Cli, { device_code, interval, expires_in }: DeviceLogin): Promise<Login> {
  const { session } = cli.as(undefined);
  const untilMs = performance.now() + expires_in * 1_000;
  let seconds = interval;
  while (performance.now() < untilMs) {
    await sleep(seconds * 1_000);
    try {
      return await session.pollDeviceLogin(device_code, userAgent);
    } catch (error) {
      if (isSlowDown(error)) seconds += slowDownSeconds;
      else if (!isPending(error)) throw error;
    }
  }
  throw new Refusal('nobody has approved the log-in. Start again: flowplate platform login');
}

function isSlowDown(error: unknown): boolean {
  return error instanceof FlowplateApiError && error.code === 'SLOW_DOWN';
}

/** A server that cannot be reached for a moment does not end the wait (RFC 8628 §3.5). */
function isPending(error: unknown): boolean {
  if (error instanceof FlowplateUnreachableError) return true;
  return (
    error instanceof FlowplateApiError && (error.code === 'AUTHORIZATION_PENDING' || error.status >= 500)
  );
}

const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Only a convenience: without such a program the address is on the screen. */
function openBrowser(page: string): void {
  const [program = 'xdg-open', ...args] = openers[platform()] ?? [];
  const child = spawn(program, [...args, page], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
