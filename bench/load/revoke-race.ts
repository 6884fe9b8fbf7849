import type { HttpAnswer } from './answer-reader.ts';
import { type Connection, withConnections } from './connection.ts';
import type { RaceJob, RaceResult } from './jobs.ts';
import { readKeys } from './key-draw.ts';
import { Latencies } from './latencies.ts';
import { revokeRequest, verifyRequest } from './request-source.ts';

const allow = Buffer.from('"valid":true');
const refusal = Buffer.from('"valid":false');
const complete = Buffer.from('"propagation":"complete"');

/**
 * Distance of the askers around the newest revokes: keys before, during and just after their
 * revoke.
 */
const around = 64;

/**
 * Revokes every key while others ask for it. Each is first verified everywhere, so that all have it
 * in memory, and again once its revoke has answered `complete`. Any acceptance of a request sent
 * after that breaks the guarantee.
 */
export async function runRevokeRace(job: RaceJob): Promise<RaceResult> {
  const race = new Race(job);
  const startedMs = performance.now();
  // No idle connections: the server answers 408 after ten silent seconds.
  await withAll(job.apiPorts, job.atOnce, (apis) =>
    withAll(job.verifierPorts, job.atOnce + job.askersEach, (verifiers) => race.run(apis, verifiers)),
  );
  const { allowedAfter, verified, verifiedAfter } = race;
  return {
    ...race.latencies.percentiles(),
    completed: race.latencies.count,
    verified,
    verifiedAfter,
    allowedAfter,
    perSecond: (race.latencies.count / (performance.now() - startedMs)) * 1_000,
  };
}

class Race {
  readonly latencies = new Latencies();
  verified = 0;
  verifiedAfter = 0;
  allowedAfter = 0;
  readonly #job: RaceJob;
  readonly #keys: readonly string[];
  readonly #isRevoked: boolean[] = [];
  readonly #verifyRequest: (key: string) => string;
  #next = 0;
  #isOver = false;

  constructor(job: RaceJob) {
    this.#job = job;
    this.#keys = readKeys(job.keysFile, job.keyIds.length);
    this.#verifyRequest = verifyRequest(job.masterKey);
  }

  /** Connections by server: one for every concurrent revoke, then those of the askers. */
  async run(apis: readonly Connection[][], verifiers: readonly Connection[][]): Promise<void> {
    const { atOnce } = this.#job;
    const askers = verifiers.flatMap((own) => own.slice(atOnce)).map((asker) => this.#ask(asker));
    const ofPlace = (servers: readonly Connection[][], place: number) =>
      servers.flatMap((own) => own.slice(place, place + 1));
    const revokers = Array.from({ length: atOnce }, (_, place) =>
      this.#revoke(ofPlace(apis, place), ofPlace(verifiers, place)),
    );
    await Promise.all(revokers);
    this.#isOver = true;
    await Promise.all(askers);
  }

  async #revoke(apis: readonly Connection[], verifiers: readonly Connection[]): Promise<void> {
    const { keyIds, masterKey } = this.#job;
    for (let index = this.#next++; index < keyIds.length; index = this.#next++) {
      const known = await Promise.all(verifiers.map((verifier) => this.#verify(verifier, index)));
      if (!known.every(Boolean)) throw new Error('A key was refused before its revoke');
      const api = apis[index % apis.length] as Connection;
      const sentMs = performance.now();
      const answer = await exchange(api, revokeRequest(masterKey, keyIds[index] ?? ''));
      requireComplete(answer);
      this.latencies.record(performance.now() - sentMs);
      this.#isRevoked[index] = true;
      await Promise.all(verifiers.map((verifier) => this.#verify(verifier, index)));
    }
  }

  async #ask(verifier: Connection): Promise<void> {
    while (!this.#isOver) {
      const index = this.#next - Math.floor(Math.random() * around);
      await this.#verify(verifier, Math.min(Math.max(index, 0), this.#keys.length - 1));
    }
  }

  async #verify(verifier: Connection, index: number): Promise<boolean> {
    const wasRevoked = this.#isRevoked[index] === true;
    const answer = await exchange(verifier, this.#verifyRequest(this.#keys[index] ?? ''));
    const isAllowed = answer.bytes.includes(allow);
    if (answer.status !== 200 || (!isAllowed && !answer.bytes.includes(refusal))) throw unexpected(answer);
    this.verified++;
    if (wasRevoked) this.verifiedAfter++;
    if (wasRevoked && isAllowed) this.allowedAfter++;
    return isAllowed;
  }
}

/** Opens `each` connections to every port. */
function withAll(
  ports: readonly number[],
  each: number,
  use: (connections: Connection[][]) => Promise<void>,
): Promise<void> {
  const [port, ...rest] = ports;
  if (port === undefined) return use([]);
  return withConnections(port, each, (own) => withAll(rest, each, (others) => use([[...own], ...others])));
}

function exchange(connection: Connection, request: string): Promise<HttpAnswer> {
  return new Promise((resolve) => connection.send(request, resolve));
}

function requireComplete(answer: HttpAnswer): void {
  if (answer.status !== 200 || !answer.bytes.includes(complete)) throw unexpected(answer);
}

function unexpected({ bytes }: HttpAnswer): Error {
  return new Error(`Not an answer that counts:\n${bytes.toString('latin1')}`);
}
