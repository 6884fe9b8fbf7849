import { randomBytes } from 'node:crypto';
import { RefusalPace, strangersPace, unknownKeysPace } from '../http/refusal-pace.ts';
import { requestIds } from '../http/request-context.ts';
import type { Log } from '../log.ts';
import { FlowplateClient } from '../sdk/client.ts';
import { FlowplateVerifier } from '../sdk/verifier.ts';
import { AnswerMeter } from './answer-meter.ts';
import { BrokerHealth } from './broker-health.ts';
import { Brokers } from './brokers.ts';
import { FaultLog } from './fault-log.ts';
import type { GateParts } from './gate-parts.ts';
import { readOwnMasterKey } from './own-master-key.ts';
import type { Settings } from './settings.ts';

/** Of one question to a broker. */
const brokerMsMax = 3_000;

export type LocalVerifierParts = Omit<GateParts, 'verifier' | 'isDraining'> & {
  verifier: FlowplateVerifier;
  /** Told of each fault in the background. */
  onFault: (error: unknown) => void;
};

/** Parts of a local verifier: an embedded verifier, its brokers, and what counts and refuses. */
export async function wireLocalVerifier(settings: Settings, log: Log): Promise<LocalVerifierParts> {
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
  return {
    verifier,
    client: new FlowplateClient({ ...connection, retriesMax: 0 }),
    brokerHealth,
    ownMasterKey,
    meter: new AnswerMeter(),
    log,
    newRequestId: requestIds(randomBytes),
    isFastLaneOn: settings.fastLane,
    refusalPace: new RefusalPace(strangersPace),
    unknownKeyPace: new RefusalPace(unknownKeysPace),
    onFault,
  };
}
