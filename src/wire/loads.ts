import { Bulkhead } from '../concurrency/bulkhead.ts';
import { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import type { Config } from '../config.ts';
import { LinesAtOnce } from '../http/lines-at-once.ts';
import { RefusalPace, strangersPace, unknownKeysPace } from '../http/refusal-pace.ts';

/** Passwords of logins at argon2 at once, and those that wait for it. */
const passwordHashing = { runningMax: 2, waitingMax: 20, refusal: 'TOO_MANY_ATTEMPTS' } as const;

/** Passwords of callers who are known: a flood of logins by strangers takes no place from them. */
const ownPasswordHashing = { ...passwordHashing, runningMax: 1 } as const;

/**
 * Concurrent verifications and exports of the whole audit log, and exports of all keys. One of a
 * million events reads for half a minute, on connections that mints and lists need too (16 by
 * default). A queue would only hide that from the caller.
 */
const longReads = { runningMax: 2, waitingMax: 0, refusal: 'OVERLOADED', retryAfterSeconds: 5 } as const;

/**
 * Long polls for events. Each holds a socket, and no connection of the database. All wake at a seal
 * and read at once: 200 would wait longer for their turn than a read may.
 */
const eventWaits = { runningMax: 64, waitingMax: 0, refusal: 'OVERLOADED', retryAfterSeconds: 5 } as const;

/** Sign-ins that wait for the identity provider, which may take 5 s for each of three answers. */
const providerCalls = { runningMax: 10, waitingMax: 40, refusal: 'TOO_MANY_ATTEMPTS' } as const;

/** Tests of webhooks, each of which waits up to 10 s for a stranger. */
const outgoingTests = { runningMax: 5, waitingMax: 0, refusal: 'OVERLOADED', retryAfterSeconds: 10 } as const;

/**
 * Callers who change or read. Of the control connections changes take half and reads a quarter; the
 * rest is for mints, for who calls, and for revokes that wait for verifiers.
 */
const fairly = { waitingMax: 5_000, waitMsMax: 800, refusal: 'OVERLOADED' } as const;

/** Mints that look for what is in their way; as many may wait as for a statement. */
const ofMints = { waitingMax: 5_000, refusal: 'OVERLOADED' } as const;

/** 390 KB each. People load it once. */
const documentPace = { perSecond: 20, atOnceMax: 40, waitMsMax: 3_000, waitingMax: 1_000 } as const;

/** How many changes run at once, by caller in turn. */
export function changesAtOnce({ CONTROL_CONNECTIONS_MAX: connections }: Config): FairBulkhead {
  return new FairBulkhead({ ...fairly, runningMax: Math.floor(connections / 2) });
}

/** Bounds of what takes long, so that it leaves room for everything else. */
export function bulkheads({ CONTROL_CONNECTIONS_MAX: connections }: Config) {
  return {
    passwordHashing: new Bulkhead(passwordHashing),
    ownPasswordHashing: new Bulkhead(ownPasswordHashing),
    providerCalls: new Bulkhead(providerCalls),
    auditVerifications: new Bulkhead(longReads),
    auditExports: new Bulkhead(longReads),
    keyExports: new Bulkhead(longReads),
    linesAtOnce: new LinesAtOnce(),
    obstacles: new FairBulkhead({ ...ofMints, runningMax: Math.ceil(connections / 4) }),
    eventWaits: new Bulkhead(eventWaits),
    webhookTests: new Bulkhead(outgoingTests),
    reads: new FairBulkhead({ ...fairly, runningMax: Math.ceil(connections / 4) }),
  };
}

/** Rates at which strangers are answered. */
export function paces() {
  return {
    refusalPace: new RefusalPace(strangersPace),
    unknownKeyPace: new RefusalPace(unknownKeysPace),
    documentPace: new RefusalPace(documentPace),
  };
}
