import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { openBroker } from '../../scripts/admin/open-broker.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { readConfig } from '../../src/config.ts';
import { newSecret } from '../../src/domain/key-format.ts';
import type { AuditVerification } from '../../src/usecases/audit/audit-chain.ts';
import { startGateway } from '../gateways/gateway.ts';
import { verify } from '../support/audit-chain.ts';
import { withReporter } from '../support/leaks.ts';
import { loggedLine, logLines, type Running, runScript, startScript } from '../support/processes.ts';
import { quietPort } from '../support/quiet-port.ts';
import type { Release } from './previous-release.ts';

/** Which release a process is of. */
export type Age = 'old' | 'new';

const checkMs = 100;

/** Header of each answer through the balancer: `old-0` and so on. */
export const servedBy = 'x-served-by';

/** API processes of two releases behind a balancer, and their worker. */
export class Fleet {
  readonly masterKey = newSecret('master', 'test', randomBytes);
  readonly #roots: Record<Age, string>;
  readonly #env: Record<string, string>;
  readonly #ports: Record<Age, number[]>;
  readonly #apis = new Map<number, Running>();
  readonly #all: Running[] = [];
  #worker: Running | undefined;

  private constructor(
    previous: Release,
    stores: { databaseUrl: string; redisUrl: string },
    ports: Record<Age, number[]>,
  ) {
    this.#roots = { old: previous.root, new: projectRoot };
    this.#ports = ports;
    this.#env = {
      DATABASE_URL: stores.databaseUrl,
      REDIS_URL: stores.redisUrl,
      FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
      FLOWPLATE_ENV: 'test',
      FLOWPLATE_MASTER_KEY: this.masterKey,
      HOST: '127.0.0.1',
      METRICS_PORT: '0',
      WORKER_METRICS_PORT: '0',
      // Twenty looks of the balancer.
      DRAIN_MS: String(20 * checkMs),
      UNSAFE_POSTGRES: 'allow',
      // The previous release does not read them.
      ...withReporter,
    };
  }

  static async create(previous: Release, stores: { databaseUrl: string; redisUrl: string }): Promise<Fleet> {
    const ports = {
      old: [await quietPort(), await quietPort()],
      new: [await quietPort(), await quietPort()],
    };
    return new Fleet(previous, stores, ports);
  }

  /** HAProxy in front of all places, looking at `/health/verify`. Answers with its URL. */
  balance(): Promise<string> {
    return startGateway(
      {
        name: 'haproxy',
        configure: async ({ directory, port }) => {
          const servers = Object.entries(this.#ports).flatMap(([age, ports]) =>
            ports.map((each, place) => `  server ${age}-${place} 127.0.0.1:${each}`),
          );
          const file = join(directory, 'haproxy.cfg');
          await writeFile(file, `${balancer(port)}${servers.join('\n')}\n`);
          return { args: ['-db', '-f', file] };
        },
      },
      { broker: 0, applicationPort: 0, masterKey: this.masterKey, answersPreflight: false, mistakes: {} },
    );
  }

  async migrate(age: Age): Promise<void> {
    const { DATABASE_URL } = this.#env as { DATABASE_URL: string };
    const done = await runScript('scripts/migrate.ts', { env: { DATABASE_URL }, root: this.#roots[age] });
    expect(done).toMatchObject({ code: 0, stderr: '' });
  }

  async startApi(age: Age, place: number): Promise<void> {
    const port = this.#ports[age][place] ?? 0;
    const env = { ...this.#env, PORT: String(port) };
    const running = await this.#start(age, 'src/main.ts', env);
    await loggedLine(running, 'listening');
    this.#apis.set(port, running);
    // The balancer sends it requests before the process that it replaces is told to end.
    await sleep(5 * checkMs);
  }

  async endApi(age: Age, place: number): Promise<void> {
    await end(this.#apis.get(this.#ports[age][place] ?? 0));
  }

  /** The URL of one process, past the balancer. */
  urlOf(age: Age, place: number): string {
    return `http://127.0.0.1:${this.#ports[age][place]}`;
  }

  signal(age: Age, place: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#apis.get(this.#ports[age][place] ?? 0)?.kill(signal);
  }

  /** The successor first, as a rolling update does. */
  async replaceWorker(age: Age): Promise<void> {
    const before = this.#worker;
    this.#worker = await this.#start(age, 'workers/main.ts', this.#env);
    await loggedLine(this.#worker, 'working');
    if (before === undefined) return;
    await sleep(1_000);
    await end(before);
  }

  /** Verifies the sealed audit log with the code of this release. */
  async proveLog(): Promise<AuditVerification> {
    const { db, keyring, close } = await openBroker(readConfig(this.#env));
    try {
      return await verify(db, keyring);
    } finally {
      await close();
    }
  }

  async #start(age: Age, script: string, env: Record<string, string>): Promise<Running> {
    const running = await startScript(script, { env, root: this.#roots[age] });
    this.#all.push(running);
    return running;
  }

  /**
   * What processes logged as an error, such as a job that failed. A process that drains turns new
   * followers away as overloaded, and they go to the next one.
   */
  errors(): string[] {
    return this.#all
      .flatMap(logLines)
      .filter(({ level, code }) => (level === 'error' || level === 'fatal') && code !== 'OVERLOADED')
      .map((line) => JSON.stringify(line));
  }
}

async function end(running: Running | undefined): Promise<void> {
  running?.kill('SIGTERM');
  expect(await running?.exited).toEqual({ code: 0, signal: null });
}

function balancer(port: number): string {
  return `defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout check 5s
  option redispatch
  retries 3
  default-server check inter ${checkMs}ms fall 1 rise 1

frontend callers
  bind 127.0.0.1:${port}
  http-response set-header ${servedBy} %s
  default_backend apis

backend apis
  balance roundrobin
  option httpchk GET /health/verify
`;
}
