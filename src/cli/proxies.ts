import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { WrongUse } from './failure.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The variables that name the proxy for a server with such an address. As in curl, the first that is set counts. */
const variables: Record<string, readonly string[]> = {
  'http:': ['http_proxy', 'HTTP_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY'],
};

/** The variable that is set, or undefined when there is no proxy for this server. NO_PROXY may still except it. */
export function proxyVariable(server: string, env: Env): string | undefined {
  return variables[new URL(server).protocol]?.find((name) => (env[name] ?? '') !== '');
}

/**
 * Sends every request of this process by way of the proxy that HTTP_PROXY or HTTPS_PROXY names for this server, unless NO_PROXY
 * excepts it. Node.js reads these variables only when told to. `WrongUse` for a proxy that is none; its address is not repeated,
 * because it may hold a password.
 */
export function useProxies(server: string, env: Env): void {
  const name = proxyVariable(server, env);
  if (name === undefined) return;
  const proxy = env[name] ?? '';
  if (!URL.canParse(proxy) || !/^https?:$/.test(new URL(proxy).protocol)) {
    throw new WrongUse(`${name} is no address of a proxy such as http://proxy.example.com:3128`);
  }
  // Only what is meant for this server: Node.js would send https through the proxy for http as well.
  const proxyEnv = { [name]: proxy, no_proxy: env.no_proxy || env.NO_PROXY };
  if (typeof http.setGlobalProxyFromEnv === 'function') http.setGlobalProxyFromEnv(proxyEnv);
  else if (env.NODE_USE_ENV_PROXY !== '1') startAnew(env, proxyEnv);
}

/** Up to 24.13 and 25.3 Node.js can be told only when it starts. */
function startAnew(env: Env, proxyEnv: Env): never {
  const without = Object.fromEntries(
    Object.values(variables).flatMap((names) => names.map((name) => [name, undefined])),
  );
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...env, ...without, ...proxyEnv, NODE_USE_ENV_PROXY: '1' },
  });
  process.exit(status ?? 1);
}
