import type { IncomingHttpHeaders } from 'node:http';

/** A request without its body: what routes and access rules read of an `IncomingMessage`. */
export type RequestHead = {
  method?: string | undefined;
  url?: string | undefined;
  rawHeaders: string[];
  headers: IncomingHttpHeaders;
  socket: { readonly remoteAddress?: string | undefined };
};
