import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { RefusalPace, strangersPace, unknownKeysPace } from '../http/refusal-pace.ts';
import { requestIds } from '../http/request-context.ts';
import type { Log } from '../log.ts';
import { dropMisnamed } from '../metrics/families.ts';
import { metricsServer } from '../metrics/metrics-server.ts';
import { drain, listen } from '../process/serve-http.ts';
import { FlowplateClient } from '../sdk/client.ts';
import { registerMetrics } from '../sdk/register-metrics.ts';
import { FlowplateVerifier } from '../sdk/verifier.ts';
import { AnswerMeter } from './answer-meter.ts';
import { BrokerHealth } from './broker-health.ts';
import { Brokers } from './brokers.ts';
import { createGrpcServer } from './ext-authz/grpc-server.ts';
import { FaultLog } from './fault-log.ts';
import type { GateParts, Listener } from './gate-parts.ts';
import { createHttpServer } from './http-server.ts';
import type { ListenAddress } from './listen-address.ts';
import { type GateServer, openListener } from './open-listener.ts';
import { readOwnMasterKey } from './own-master-key.ts';
import { registerAnswers } from './register-answers.ts';
import type { Settings } from './settings.ts';

/** A broker that hangs is asked again meanwhile, and gateways are answered. */
const firstLeaseMsMax = 2_000;
/** Between two tries with a master key that the broker refuses. */
const refusedPauseMs = 2_000;
/** Of one question to a broker. */
const brokerMsMax = 3_000;

export type LocalVerifier = { start(): Promise<void>; stop(): Promise<void> };

/** Wires the local verifier: an embedded verifier, its brokers, and the servers for gateways. */
export async function createLocalVerifier(settings: Settings, log: Log): Promise<LocalVerifier> {
  const ownMasterKey = await readOwnMasterKey(settings.masterKeyFile);
  const brokers = new Brokers(settings.brokers);
  const { baseUrl, fetch } = brokers;
  const connection = { baseUrl, fetch, masterKey: ownMasterKey.secret, timeoutMs: brokerMsMax };
  const faultLog = new FaultLog(log, () => brokers.current);
  const onFault = (error: unknown) => {
    brokerHealth.note(error);
    faultLog.note(error);
  };
  const streamBaseUrl = () => brokers.streamBaseUrl();
  const verifier = new FlowplateVerifier({ ...connection, streamBaseUrl, onFault });
  const brokerHealth = new BrokerHealth({ baseUrl, fetch, isLeaseHeld: () => verifier.isLeaseHeld() });
  const meter = new AnswerMeter();
  const drains: (() => Promise<void>)[] = [];
  let isStopping = false;
  const parts: GateParts = {
    verifier,
    client: new FlowplateClient({ ...connection, retriesMax: 0 }),
    brokerHealth,
    ownMasterKey,
    meter,
    log,
    newRequestId: requestIds(randomBytes),
    isDraining: () => isStopping,
    isFastLaneOn: settings.fastLane,
    refusalPace: new RefusalPace(strangersPace),
    unknownKeyPace: new RefusalPace(unknownKeysPace),
  };

  /** Takes the lease. A refused master key may become good, such as when it is created late. */
  async function takeLease(): Promise<void> {
    await verifier.start().catch((error: unknown) => {
      onFault(error);
      setTimeout(() => !isStopping && void takeLease(), refusedPauseMs).unref();
    });
  }

  async function start(): Promise<void> {
    const http = await openListeners(settings.listen, createHttpServer);
    const grpc = await openListeners(settings.grpc, createGrpcServer);
    const metrics = settings.metrics && (await openMetrics(settings.metrics));
    await Promise.race([takeLease(), sleep(firstLeaseMsMax, undefined, { ref: false })]);
    log.info({ http, grpc, metrics, lease: verifier.isLeaseHeld() ? 'held' : 'lapsed' }, 'listening');
  }

  async function openListeners(
    addresses: readonly ListenAddress[],
    create: (parts: GateParts, listener: Listener) => GateServer,
  ): Promise<string[]> {
    const opened: string[] = [];
    for (const address of addresses) {
      const open = await openListener(address, settings.trustListener, (listener) => create(parts, listener));
      drains.push(open.drain);
      opened.push(open.address);
    }
    return opened;
  }

  async function openMetrics({ host, port }: { host: string; port: number }): Promise<number> {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    dropMisnamed(registry);
    registerMetrics(verifier, registry);
    registerAnswers(meter, registry);
    const server = metricsServer(() => registry.metrics());
    drains.push(() => drain(server));
    return listen(server, port, host);
  }

  /** Running requests finish; then the counts are delivered and the lease is given back. */
  async function stop(): Promise<void> {
    isStopping = true;
    await Promise.all(drains.map((end) => end()));
    await verifier.close();
  }

  return { start, stop };
}
