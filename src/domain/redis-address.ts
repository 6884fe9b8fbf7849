/** One of several servers that a client asks first. */
export type HostAndPort = { host: string; port: number };

type Login = { username: string | undefined; password: string | undefined };

/**
 * Where Redis is: one server, a Sentinel group that knows its master, or a Cluster. A single one
 * keeps its URL, whose query the client reads.
 */
export type RedisAddress =
  | ({ kind: 'single'; url: string } & Reached)
  | ({ kind: 'sentinel'; masterName: string; database: number; sentinelLogin: Login } & Reached & Login)
  | ({ kind: 'cluster' } & Reached & Login);

type Reached = { isTls: boolean; hosts: readonly [HostAndPort, ...HostAndPort[]] };

/** Why a text is no address of Redis. The message continues the name of a setting: `must be …`. */
export class InvalidRedisAddress extends Error {}

const defaultPorts = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
const databaseMax = 65_535;

/** Scheme, then user and password, servers, path and query. RFC 3986, but for the commas. */
const urlPattern = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(\?[^#]*)?$/;
/** A name, an IPv4 address, or an IPv6 address in brackets; perhaps a port. */
const serverPattern = /^([\w.-]+|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?$/;

/**
 * The address in a URL: `redis://`, `rediss://` for TLS, and with `+sentinel` or `+cluster` behind
 * it several servers separated by commas, which no URL parser takes. Throws an
 * `InvalidRedisAddress` that repeats nothing of the text, for there is a password in it.
 */
export function parseRedisAddress(text: string): RedisAddress {
  const [, scheme, kind = 'single', login, servers = '', path = '', query = ''] = urlPattern.exec(text) ?? [];
  if (scheme === undefined)
    throw new InvalidRedisAddress(
      'must be a redis://, redis+sentinel:// or redis+cluster:// URL, with rediss for TLS',
    );
  const isTls = scheme === 'rediss';
  if (kind === 'single') return { kind, isTls, url: requireUrl(text), hosts: [toServer(servers, kind)] };
  if (kind === 'cluster') {
    if (path !== '' && path !== '/' && path !== '/0')
      throw new InvalidRedisAddress('must have no database, for a Cluster has only number 0');
    requireNoQuery(query);
    return { kind, isTls, hosts: toServers(servers, kind), ...toLogin(login) };
  }
  return { kind: 'sentinel', isTls, ...toLogin(login), ...toGroup(servers, path, query) };
}

function toGroup(servers: string, path: string, query: string) {
  const [, name = '', database = '0', ...more] = path.split('/');
  if (name === '' || more.length > 0)
    throw new InvalidRedisAddress('must end in /<master name>, or /<master name>/<database>');
  if (!/^\d{1,5}$/.test(database) || Number(database) > databaseMax)
    throw new InvalidRedisAddress('must have a number as its database');
  return {
    hosts: toServers(servers, 'sentinel'),
    masterName: decode(name),
    database: Number(database),
    sentinelLogin: toSentinelLogin(query),
  };
}

function requireUrl(text: string): string {
  if (text.includes(',') && !URL.canParse(text))
    throw new InvalidRedisAddress(
      'must name one server; several are a redis+sentinel:// or redis+cluster:// URL',
    );
  if (!URL.canParse(text)) throw new InvalidRedisAddress('must be a URL');
  return text;
}

function toServers(text: string, kind: keyof typeof defaultPorts): [HostAndPort, ...HostAndPort[]] {
  const [first = '', ...others] = text.split(',');
  return [toServer(first, kind), ...others.map((other) => toServer(other, kind))];
}

function toServer(text: string, kind: keyof typeof defaultPorts): HostAndPort {
  const [, host, digits] = serverPattern.exec(text) ?? [];
  const port = digits === undefined ? defaultPorts[kind] : Number(digits);
  if (host === undefined || port < 1 || port > 65_535)
    throw new InvalidRedisAddress('must name its servers as <host>:<port>, separated by commas');
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

function toLogin(text: string | undefined): Login {
  if (text === undefined) return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  const [username, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return { username: decode(username) || undefined, password: decode(password) || undefined };
}

/** Sentinels have users of their own. */
function toSentinelLogin(query: string): Login {
  const given = new URLSearchParams(query);
  const take = (name: string) => {
    const value = given.get(name) ?? undefined;
    given.delete(name);
    return value;
  };
  const login = { username: take('sentinel_username'), password: take('sentinel_password') };
  if (given.size > 0)
    throw new InvalidRedisAddress('must have no query but sentinel_username and sentinel_password');
  return login;
}

function requireNoQuery(query: string): void {
  if (query !== '' && query !== '?') throw new InvalidRedisAddress('must have no query');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidRedisAddress('must have its user, password and master name percent-encoded');
  }
}
