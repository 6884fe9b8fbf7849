import { setTimeout as sleep } from 'node:timers/promises';
import { createGrpcServer } from './ext-authz/grpc-server.ts';
import type { GateParts } from './gate-parts.ts';
import { createHttpServer } from './http-server.ts';
import type { ListenAddress } from './listen-address.ts';
import { type CreateGateServer, openListener } from './open-listener.ts';
import { openMetrics } from './open-metrics.ts';
import type { Settings } from './settings.ts';
import type { LocalVerifierParts } from './wire-local-verifier.ts';

/** A broker that hangs is asked again meanwhile, and gateways are answered. */
const firstLeaseMsMax = 2_000;
/** Between two tries with a master key that the broker refuses. */
const refusedPauseMs = 2_000;

/** The local verifier from start to exit. */
export class LocalVerifier {
  readonly #settings: Settings;
  readonly #parts: LocalVerifierParts & GateParts;
  readonly #drains: (() => Promise<void>)[] = [];
  #isStopping = false;

  constructor(settings: Settings, parts: LocalVerifierParts) {
    this.#settings = settings;
    this.#parts = { ...parts, isDraining: () => this.#isStopping };
  }

  /** Listens, and takes its lease. Without one the broker is asked. */
  async start(): Promise<void> {
    const { listen, grpc, metrics } = this.#settings;
    const opened = {
      http: await this.#openAll(listen, createHttpServer),
      grpc: await this.#openAll(grpc, createGrpcServer),
      metrics: metrics && (await this.#openMetrics(metrics)),
    };
    await Promise.race([this.#takeLease(), sleep(firstLeaseMsMax, undefined, { ref: false })]);
    const lease = this.#parts.verifier.isLeaseHeld() ? 'held' : 'lapsed';
    this.#parts.log.info({ ...opened, lease }, 'listening');
  }

  /** Running requests finish; then the counts are delivered and the lease is given back. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#drains.map((drain) => drain()));
    await this.#parts.verifier.close();
  }

  /** A refused master key may become good, such as when it is created late. */
  async #takeLease(): Promise<void> {
    await this.#parts.verifier.start().catch((error: unknown) => {
      this.#parts.onFault(error);
      setTimeout(() => !this.#isStopping && void this.#takeLease(), refusedPauseMs).unref();
    });
  }

  async #openAll(addresses: readonly ListenAddress[], create: CreateGateServer): Promise<string[]> {
    const opened: string[] = [];
    for (const address of addresses) {
      const open = await openListener(address, this.#settings.trustListener, (listener) =>
        create(this.#parts, listener),
      );
      this.#drains.push(open.drain);
      opened.push(open.address);
    }
    return opened;
  }

  async #openMetrics(address: { host: string; port: number }): Promise<number> {
    const { port, drain } = await openMetrics(this.#parts, address);
    this.#drains.push(drain);
    return port;
  }
}
