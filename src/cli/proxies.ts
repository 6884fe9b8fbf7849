import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { UsageError } from './failure.ts';
import { type Env, proxyVariable, proxyVariables } from './proxy-variable.ts';

/**
 * Routes all requests through the proxy in HTTP_PROXY or HTTPS_PROXY, unless NO_PROXY excludes this
 * server. Node.js reads these variables only when told to. `UsageError` for a proxy that is none;
 * its address is not repeated, because it may hold a password.
 */
export function useProxies(server: string, env: Env): void {
  const name = proxyVariable(server, env);
  if (name === undefined) return;
  const proxy = env[name] ?? '';
  if (!URL.canParse(proxy) || !/^https?:$/.test(new URL(proxy).protocol)) {
    throw new UsageError(`${name} is no address of a proxy such as http://proxy.example.com:3128`);
  }
  // Only the variable for this server's scheme: Node.js would send https through the http proxy
  // too.
  const proxyEnv = { [name]: proxy, no_proxy: env.no_proxy || env.NO_PROXY };
  if (typeof http.setGlobalProxyFromEnv === 'function') http.setGlobalProxyFromEnv(proxyEnv);
  else if (env.NODE_USE_ENV_PROXY !== '1') startAnew(env, proxyEnv);
}

/** Older Node.js, such as 24.13, reads them only at its start, so the program restarts itself. */
function startAnew(env: Env, proxyEnv: Env): never {
  const without = Object.fromEntries(proxyVariables.map((name) => [name, undefined]));
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...env, ...without, ...proxyEnv, NODE_USE_ENV_PROXY: '1' },
  });
  process.exit(status ?? 1);
}
