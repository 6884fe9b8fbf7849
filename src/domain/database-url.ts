/** A server of the URL. Its own URL has nothing in it that `pg` would not understand. */
export type DatabaseHost = { url: string; host: string; port: number };

/** Servers that a connection may use, in the words of libpq's `target_session_attrs`. */
export type WantedServer = 'any' | 'primary' | 'read-write';

export type DatabaseUrl = {
  /** In the order of the URL, which is the order of the attempts. */
  hosts: readonly [DatabaseHost, ...DatabaseHost[]];
  wants: WantedServer;
  database: string;
};

/** A fault of the URL. The message has no part of the URL, for there is a password in it. */
export type UrlFault = { fault: string };

const wantedServers: readonly string[] = ['any', 'primary', 'read-write'] satisfies WantedServer[];
const defaultPort = 5432;
const parameter = 'target_session_attrs';

/**
 * Parses a connection URL of Postgres (libpq): several hosts separated by commas, each with its own
 * port, and `target_session_attrs`. Neither `URL` nor `pg` knows these two. A fault never repeats
 * the URL, which has a password in it.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl | UrlFault {
  const parts = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/s.exec(text);
  if (parts === null) return { fault: 'must be a postgres:// URL' };
  const [, scheme = '', authority = '', rest = ''] = parts;
  const endOfUser = authority.lastIndexOf('@') + 1;
  const [user, places] = [authority.slice(0, endOfUser), authority.slice(endOfUser).split(',')];
  if (!URL.canParse(`${scheme}${user}${places[0]}${rest}`)) return { fault: 'must be a URL' };
  const { search, pathname } = new URL(`${scheme}${user}${places[0]}${rest}`);
  const query = new URLSearchParams(search);
  const wants = query.get(parameter) ?? 'any';
  if (!isWantedServer(wants)) return { fault: `has a ${parameter} other than ${wantedServers.join(', ')}` };
  if (places.length > 1 && (query.has('host') || places.includes(''))) {
    return { fault: 'must name several hosts as host:port,host:port' };
  }
  const restOfHost = withoutParameter(rest);
  const hosts = places.map((place) => toHost(`${scheme}${user}${place}${restOfHost}`));
  const [first, ...others] = hosts.filter((host) => host !== undefined);
  if (first === undefined || others.length + 1 !== hosts.length) return { fault: 'must be a URL' };
  return { hosts: [first, ...others], wants, database: toDatabase(pathname) };
}

/** The URL of settings that were checked at the start. Throws the fault for any other. */
export function readDatabaseUrl(text: string): DatabaseUrl {
  const parsed = parseDatabaseUrl(text);
  if ('fault' in parsed) throw new Error(`The URL of the database ${parsed.fault}`);
  return parsed;
}

function isWantedServer(text: string): text is WantedServer {
  return wantedServers.includes(text);
}

/** The path and query as they stand there: `URLSearchParams` would write them anew. */
function withoutParameter(rest: string): string {
  const [path = '', query] = rest.split(/\?(.*)/s);
  const kept = (query ?? '').split('&').filter((entry) => entry.split('=')[0] !== parameter);
  return kept.join('') === '' ? path : `${path}?${kept.join('&')}`;
}

function toHost(url: string): DatabaseHost | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  return { url, host: hostname, port: port === '' ? defaultPort : Number(port) };
}

function toDatabase(pathname: string): string {
  try {
    return decodeURIComponent(pathname.slice(1)) || 'postgres';
  } catch {
    return 'postgres';
  }
}
