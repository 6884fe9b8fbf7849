import type { StoreAddress } from './tracing.ts';

/** Where a connection URL leads, without its user and password. */
export function storeAddress(url: string, defaults: { port: number; namespace: string }): StoreAddress {
  const { hostname, port, pathname } = new URL(url);
  return {
    host: hostname,
    port: port === '' ? defaults.port : Number(port),
    namespace: decodeURIComponent(pathname.slice(1)) || defaults.namespace,
  };
}
