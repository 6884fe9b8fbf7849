import type { KeyRecord } from '../domain/key-record.ts';
import { Entry } from '../verify/record-cache.ts';
import type { Broker, FoundRecord } from './broker.ts';

/** The feed in whose time a record was asked for. */
export type Era = { verifierId: string; registrations: number };

/** `entry.readAtMs`: the monotonic time before which it was not read from the database. */
export type LandedRecord = Pick<FoundRecord, 'organizationActive'> & { entry: Entry<KeyRecord> };

type Flight = { registrations: number; landed: Promise<LandedRecord | undefined> };

/** Fetches records from the broker, with one flight for each key however many ask. */
export class BrokerRecords {
  readonly #broker: Broker;
  readonly #onLanded: (fingerprint: string, landed: LandedRecord, era: Era) => void;
  readonly #flights = new Map<string, Flight>();

  /** `onLanded` is called once for each flight that brings a record. */
  constructor(broker: Broker, onLanded: (fingerprint: string, landed: LandedRecord, era: Era) => void) {
    this.#broker = broker;
    this.#onLanded = onLanded;
  }

  /** Undefined when there is no such key. Whoever joins a flight may know more than it brings: the caller judges what lands. */
  find(era: Era, fingerprint: string, key: string): Promise<LandedRecord | undefined> {
    const flying = this.#flights.get(fingerprint);
    if (flying !== undefined && flying.registrations === era.registrations) return flying.landed;
    const landed = this.#fly(era, fingerprint, key).finally(() => {
      if (this.#flights.get(fingerprint)?.landed === landed) this.#flights.delete(fingerprint);
    });
    this.#flights.set(fingerprint, { registrations: era.registrations, landed });
    return landed;
  }

  async #fly(era: Era, fingerprint: string, key: string): Promise<LandedRecord | undefined> {
    const sentMs = performance.now();
    const found = await this.#broker.findRecord(era.verifierId, key);
    if (found === undefined) return undefined;
    const { record, organizationActive, ageMs } = found;
    const landed = { organizationActive, entry: new Entry(record, sentMs - ageMs) };
    this.#onLanded(fingerprint, landed, era);
    return landed;
  }
}
