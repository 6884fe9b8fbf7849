import type { KeyRecord } from '../domain/key-record.ts';
import { CacheEntry } from '../verify/record-cache.ts';
import type { AskedFor, Broker, FoundRecord } from './broker.ts';

/** The registration and feed version under which the lookup was made. */
export type LookupContext = { verifierId: string; registrations: number; version: number };

/** `entry.readAtMs`: lower bound of the record's database read, monotonic time. */
export type FetchedRecord = Pick<FoundRecord, 'organizationActive'> & { entry: CacheEntry<KeyRecord> };

type Fetch = { context: LookupContext; fetched: Promise<FetchedRecord | undefined> };

/**
 * Fetches records from the broker. Requests for one key share one fetch (single flight) until a
 * change arrives.
 */
export class BrokerRecords {
  readonly #broker: Broker;
  readonly #onFetched: (key: string, fetched: FetchedRecord, context: LookupContext) => void;
  readonly #fetches = new Map<string, Fetch>();

  /** `onFetched` is called once for each fetch that finds a record. */
  constructor(
    broker: Broker,
    onFetched: (key: string, fetched: FetchedRecord, context: LookupContext) => void,
  ) {
    this.#broker = broker;
    this.#onFetched = onFetched;
  }

  /**
   * Undefined when there is no such key. Joins no fetch of another context: it may have read before
   * a change that this request must see. The result may still be stale; the caller checks it.
   */
  find(context: LookupContext, key: string, asked?: AskedFor): Promise<FetchedRecord | undefined> {
    const running = this.#fetches.get(key);
    if (running !== undefined && isSame(running.context, context)) return running.fetched;
    const fetched = this.#fetch(context, key, asked).finally(() => {
      if (this.#fetches.get(key)?.fetched === fetched) this.#fetches.delete(key);
    });
    this.#fetches.set(key, { context, fetched });
    return fetched;
  }

  async #fetch(context: LookupContext, key: string, asked?: AskedFor): Promise<FetchedRecord | undefined> {
    const sentMs = performance.now();
    const found = await this.#broker.findRecord(context.verifierId, key, asked);
    if (found === undefined) return undefined;
    const { record, organizationActive, ageMs, asOfSeq } = found;
    const fetched = { organizationActive, entry: new CacheEntry(record, sentMs - ageMs, asOfSeq) };
    this.#onFetched(key, fetched, context);
    return fetched;
  }
}

function isSame(one: LookupContext, other: LookupContext): boolean {
  return one.registrations === other.registrations && one.version === other.version;
}
