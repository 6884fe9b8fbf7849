import type { RefusalPace } from '../http/refusal-pace.ts';
import type { NewRequestId } from '../http/request-context.ts';
import type { Log } from '../log.ts';
import type { FlowplateClient } from '../sdk/client.ts';
import type { FlowplateVerifier } from '../sdk/verifier.ts';
import type { AnswerMeter } from './answer-meter.ts';
import type { BrokerHealth } from './broker-health.ts';
import type { OwnMasterKey } from './own-master-key.ts';

/** Dependencies of everything that answers a gateway. */
export type GateParts = {
  verifier: Pick<FlowplateVerifier, 'verifyNow' | 'verify' | 'nowMs' | 'isLeaseHeld'>;
  client: Pick<FlowplateClient, 'explainVerification'>;
  brokerHealth: Pick<BrokerHealth, 'isUp' | 'isKeyRefused'>;
  ownMasterKey: OwnMasterKey;
  meter: AnswerMeter;
  log: Log;
  newRequestId: NewRequestId;
  isDraining: () => boolean;
  isFastLaneOn: boolean;
  /** For callers who are not known. */
  refusalPace: RefusalPace;
  /** For keys that do not exist. */
  unknownKeyPace: RefusalPace;
};

/** `isTrusted`: only the gateway can connect there, so that it needs no master key. */
export type Listener = { isTrusted: boolean };
