/**
 * The server on which this process's last heartbeat committed. After a failover the old primary may
 * live on and answer, and some connections may still lead to it: what it says is older than what
 * the lease vouches for. So a pool uses only connections to this server. Undefined before the first
 * heartbeat, which allows any.
 */
export type LeasedServer = {
  current: string | undefined;
  /** Heartbeats now, to learn whether a server that was restarted, or promoted, is the one. */
  confirm: () => Promise<void>;
};

/** SQL: tells two servers apart by the microsecond of their start, whatever lies in between. */
export const thisServer = 'extract(epoch FROM pg_postmaster_start_time())::text';
