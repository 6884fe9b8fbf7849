import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { becomesReady } from '../../scripts/services/becomes-ready.ts';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { choosePort } from '../../scripts/services/free-port.ts';
import { startServerProcess } from '../../scripts/services/server-process.ts';
import { loadCore, pinTo } from './pin.ts';
import type { BenchServer } from './server.ts';

/** How nginx decides: not at all, by a list in its configuration, or by asking an address. */
export type Decision =
  | { by: 'nobody' }
  | { by: 'map'; keys: readonly string[] }
  | { by: 'check'; at: string };

const startMsMax = 20_000;
const stopMsMax = 5_000;

/**
 * nginx with one worker on the core of the load, in front of a picture of 43 bytes. A check is that
 * of docs/gateways.md: `auth_request`, connections kept, identity taken from the answer.
 */
export async function startNginx(
  directory: string,
  name: string,
  decision: Decision,
  masterKey: string,
): Promise<BenchServer> {
  const nginx = await findProgram('nginx');
  const place = join(directory, `nginx-${name}`);
  await mkdir(place, { recursive: true });
  const port = await choosePort(undefined, 'nginx');
  const file = join(place, 'nginx.conf');
  await writeFile(file, configuration(place, port, decision, masterKey), { mode: 0o600 });
  const prefix = [...(await dieWithParent('TERM')), ...(await pinTo(loadCore))];
  const server = await startServerProcess({
    command: [...prefix, nginx.path, '-p', place, '-e', 'stderr', '-c', file],
    env: { ...nginx.env, PATH: process.env.PATH },
    cwd: place,
    logFile: join(place, 'nginx.log'),
  });
  const stop = () => server.stop('SIGTERM', stopMsMax);
  const isUp = await becomesReady(server, performance.now() + startMsMax, () => answers(port));
  if (!isUp) {
    await stop();
    throw new Error(`nginx did not start, see ${place}`);
  }
  const kill = async () => {
    server.kill('SIGKILL');
    await server.exited;
  };
  return { port, pid: server.pid, stop, kill };
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    async (response) => (await response.arrayBuffer()) !== undefined,
    () => false,
  );
}

function configuration(place: string, port: number, decision: Decision, masterKey: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${join(place, what)};`,
  );
  return `
    daemon off;
    master_process off;
    pid ${join(place, 'nginx.pid')};
    error_log stderr crit;
    events { worker_connections 1024; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      ${temporary.join('\n')}
      ${before(decision)}
      server {
        listen 127.0.0.1:${port};
        # A check without an answer in time: counted as wrong, and no reason to close a connection.
        error_page 500 = @unavailable;
        location @unavailable { internal; return 503; }
        location / {
          ${inside(decision)}
          empty_gif;
        }
        ${check(decision, masterKey)}
      }
    }`;
}

function before(decision: Decision): string {
  if (decision.by === 'map') {
    const entries = decision.keys.map((key) => `${key} 1;`).join('\n');
    return `map_hash_max_size 1048576; map_hash_bucket_size 128;
      map $http_x_api_key $is_known { default 0; ${entries} }`;
  }
  if (decision.by === 'nobody') return '';
  return `upstream asked { server ${decision.at}; keepalive 64; keepalive_requests 1000000000; }`;
}

function inside(decision: Decision): string {
  if (decision.by === 'map') return 'if ($is_known = 0) { return 401; }';
  if (decision.by === 'nobody') return '';
  const identity = ['user_id', 'organization_id', 'key_id', 'environment', 'scopes'].map(
    (name) => `auth_request_set $flowplate_${name} $upstream_http_x_flowplate_${name};`,
  );
  return ['auth_request /_asked;', ...identity].join('\n');
}

function check(decision: Decision, masterKey: string): string {
  if (decision.by !== 'check') return '';
  return `location = /_asked {
      internal;
      proxy_pass http://asked/v1/flowplate/authz?deny=403;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header Cookie "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header x-flowplate-master-key "${masterKey}";
    }`;
}
