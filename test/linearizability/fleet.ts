import { randomBytes } from 'node:crypto';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import { KeyedQueue } from '../../src/concurrency/keyed-queue.ts';
import { PropagationWatch } from '../../src/revocation/propagation-watch.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import type { ChangeParts } from '../../src/usecases/change.ts';
import { atEnd } from '../support/at-end.ts';
import type { Call } from '../support/call.ts';
import { type Deployment, deploy, type StartOptions } from '../support/deployment.ts';
import type { EditedSource } from '../support/edited-source.ts';
import { withReporter } from '../support/leaks.ts';
import { startLocalVerifier } from '../support/local-verifier.ts';
import { loggedLine, type Running, startScript } from '../support/processes.ts';
import { apiVerifiers, embeddedVerifier, localVerifiers, type Verifier } from './verifier.ts';

/** The shortest that there is, so that one ends within a test. */
export const leaseMs = 3_000;

/** Dependencies of an operator's use case: the API has no route to suspend an organization. */
export type Operator = ChangeParts & { db: Database };

/** A process that verifies. */
export type Member = Running & { verifiers: Verifier[]; url: string; call?: Call };

/** Processes of one deployment, as its clients see them. */
export class Fleet {
  readonly members: Member[] = [];
  readonly operator: Operator;
  readonly #deployment: Deployment;

  constructor(operator: Operator, deployment: Deployment) {
    this.operator = operator;
    this.#deployment = deployment;
  }

  /** The same processes, and from now on others of their own. */
  fork(): Fleet {
    const fork = new Fleet(this.operator, this.#deployment);
    fork.members.push(...this.members);
    return fork;
  }

  /** An API process; its source can have something taken out, or put in. */
  async add(options: StartOptions = {}): Promise<Member> {
    const start = () => this.#deployment.startApi(options);
    // As whatever supervises it would: among busy neighbours Postgres may be too slow for a process
    // that starts.
    const api = await start().catch(start);
    return this.#join({ ...api, verifiers: apiVerifiers(`API ${api.pid}`, api) });
  }

  /** A gateway that verifies by itself, with the broker at `brokerUrl`. */
  async embed(brokerUrl: string, source?: EditedSource): Promise<Member> {
    const env = { BROKER_URL: brokerUrl, MASTER_KEY: this.#deployment.masterKey };
    const running = await startScript(embeddingProcess, { source, env });
    const { port } = await loggedLine(running, 'listening');
    const url = `http://127.0.0.1:${port}`;
    return this.#join({ ...running, url, verifiers: [embeddedVerifier(`gateway ${running.pid}`, url)] });
  }

  /** A local verifier with the broker at `brokerUrl`. */
  async stand(brokerUrl: string, source?: EditedSource): Promise<Member> {
    const { masterKey } = this.#deployment;
    const local = await startLocalVerifier({ brokers: [brokerUrl], masterKey, source });
    const verifiers = localVerifiers(`local verifier ${local.pid}`, local.socketPath);
    return this.#join({ ...local, verifiers });
  }

  #join(member: Member): Member {
    this.members.push(member);
    return member;
  }

  /** As an operator stops one: it gives its lease back. Also when it hangs by SIGSTOP. */
  async remove(member: Member): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    member.kill('SIGTERM');
    member.kill('SIGCONT');
    await member.exited;
  }
}

/** None yet; the first that is added makes the master key. */
export function newFleet(stores: { databaseUrl: string; redisUrl: string }): Fleet {
  const db = openDatabase(openPool({ ...operatorPool, databaseUrl: stores.databaseUrl }, () => undefined));
  atEnd(() => db.destroy());
  const operator = {
    db,
    clock: { now: () => new Date(), earliest: () => new Date() },
    randomBytes,
    propagation: new PropagationWatch(db, leaseMs),
    turns: new KeyedQueue(),
    connections: new FairBulkhead({ runningMax: 2, waitingMax: 5_000, refusal: 'OVERLOADED' }),
  };
  return new Fleet(operator, deploy(stores, { LEASE_MS: String(leaseMs), ...withReporter }));
}

const embeddingProcess = 'test/sdk/fixtures/embedding-process.ts';

const operatorPool = {
  applicationName: 'flowplate-operator',
  connectionsMax: 4,
  connectTimeoutMs: 800,
  statementTimeoutMs: 800,
  lockTimeoutMs: 700,
};
