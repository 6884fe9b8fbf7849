import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { RefusalPace, strangersPace, unknownKeysPace } from '../http/refusal-pace.ts';
import { requestIds } from '../http/request-context.ts';
import type { Log } from '../log.ts';
import { dropMisnamed } from '../metrics/families.ts';
import { metricsServer } from '../metrics/metrics-server.ts';
import { drain, listen } from '../process/serve-http.ts';
import { FlowplateClient } from '../sdk/client.ts';
import { FlowplateApiError } from '../sdk/errors.ts';
import { registerMetrics } from '../sdk/register-metrics.ts';
import { FlowplateVerifier } from '../sdk/verifier.ts';
import { AnswerMeter } from './answer-meter.ts';
import { BrokerHealth } from './broker-health.ts';
import { Brokers } from './brokers.ts';
import type { GateParts } from './gate-parts.ts';
import { createGateServer } from './http-server.ts';
import { openListener } from './open-listener.ts';
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
  const brokers = new Brokers(settings.brokers, (from, to) => log.warn({ from, to }, 'broker changed'));
  const { baseUrl, fetch } = brokers;
  const connection = { baseUrl, fetch, masterKey: ownMasterKey.secret, timeoutMs: brokerMsMax };
  const onFault = (error: unknown) => {
    brokerHealth.note(error);
    log.warn({ err: error }, 'broker');
  };
  const verifier = new FlowplateVerifier({ ...connection, onFault });
  const brokerHealth = new BrokerHealth({ baseUrl, fetch, isLeaseHeld: () => verifier.isLeaseHeld() });
  const meter = new AnswerMeter();
  const servers: Server[] = [];
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
    refusalPace: new RefusalPace(strangersPace),
    unknownKeyPace: new RefusalPace(unknownKeysPace),
  };

  /** Takes the lease. A refused master key may become good, such as when it is created late. */
  async function takeLease(): Promise<void> {
    while (!isStopping) {
      try {
        return await verifier.start();
      } catch (error) {
        brokerHealth.note(error);
        log.error({ err: error, status: statusOf(error) }, 'the broker refuses the master key');
        await sleep(refusedPauseMs, undefined, { ref: false });
      }
    }
  }

  async function start(): Promise<void> {
    await Promise.race([takeLease(), sleep(firstLeaseMsMax, undefined, { ref: false })]);
    const http: string[] = [];
    for (const address of settings.listen) {
      const open = await openListener(address, settings.trustListener, (listener) =>
        createGateServer(parts, listener),
      );
      servers.push(open.server);
      http.push(open.address);
    }
    const metrics = settings.metrics && (await openMetrics(settings.metrics));
    log.info({ http, metrics, lease: verifier.isLeaseHeld() ? 'held' : 'lapsed' }, 'listening');
  }

  async function openMetrics({ host, port }: { host: string; port: number }): Promise<number> {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    dropMisnamed(registry);
    registerMetrics(verifier, registry);
    registerAnswers(meter, registry);
    const server = metricsServer(() => registry.metrics());
    servers.push(server);
    return listen(server, port, host);
  }

  /** Running requests finish; then the counts are delivered and the lease is given back. */
  async function stop(): Promise<void> {
    isStopping = true;
    await Promise.all(servers.map((server) => drain(server)));
    await verifier.close();
  }

  return { start, stop };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof FlowplateApiError ? error.status : undefined;
}
