import type { KeyRecord } from '../domain/key-record.ts';
import { Entry } from '../verify/record-cache.ts';
import type { Broker, FoundRecord } from './broker.ts';

/** The registration and feed version under which the lookup was made. */
export type Era = { verifierId: string; registrations: number; version: number };

/** `entry.readAtMs`: lower bound of the record's database read, monotonic time. */
export type LandedRecord = Pick<FoundRecord, 'organizationActive'> & { entry: Entry<KeyRecord> };

type Flight = { era: Era; landed: Promise<LandedRecord | undefined> };

/**
 * Fetches records from the broker. Requests for one key share one fetch (single flight) until a
 * change arrives.
 */
export class BrokerRecords {
  readonly #broker: Broker;
  readonly #onLanded: (fingerprint: string, landed: LandedRecord, era: Era) => void;
  readonly #flights = new Map<string, Flight>();

  /** `onLanded` is called once for each fetch that finds a record. */
  constructor(broker: Broker, onLanded: (fingerprint: string, landed: LandedRecord, era: Era) => void) {
    this.#broker = broker;
    this.#onLanded = onLanded;
  }

  /**
   * Undefined when there is no such key. Joins no fetch of another era: it may have read before a
   * change that this request must see. The result may still be stale; the caller checks it.
   */
  find(era: Era, fingerprint: string, key: string): Promise<LandedRecord | undefined> {
    const flying = this.#flights.get(fingerprint);
    if (flying !== undefined && isSame(flying.era, era)) return flying.landed;
    const landed = this.#fly(era, fingerprint, key).finally(() => {
      if (this.#flights.get(fingerprint)?.landed === landed) this.#flights.delete(fingerprint);
    });
    this.#flights.set(fingerprint, { era, landed });
    return landed;
  }

  async #fly(era: Era, fingerprint: string, key: string): Promise<LandedRecord | undefined> {
    const sentMs = performance.now();
    const found = await this.#broker.findRecord(era.verifierId, key);
    if (found === undefined) return undefined;
    const { record, organizationActive, ageMs, asOfSeq } = found;
    const landed = { organizationActive, entry: new Entry(record, sentMs - ageMs, asOfSeq) };
    this.#onLanded(fingerprint, landed, era);
    return landed;
  }
}

function isSame(one: Era, other: Era): boolean {
  return one.registrations === other.registrations && one.version === other.version;
}
