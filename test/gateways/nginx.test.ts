import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { testDeprecation } from './deprecation.ts';
import { documentedFile, withPlaces } from './documented-file.ts';
import { brokerPlaces, type Gateway } from './gateway.ts';
import { testGateway } from './matrix.ts';
import { send } from './send.ts';
import { decided } from './site.ts';

/**
 * The page has what goes into `http`; this is what stands around it, so that it runs in a directory
 * of its own.
 */
function frame(directory: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${join(directory, what)};`,
  );
  return `
    daemon off;
    master_process off;
    pid ${join(directory, 'nginx.pid')};
    error_log stderr warn;
    events {}
    http {
      access_log off;
      ${paths.join('\n')}
      include ${join(directory, 'flowplate.conf')};
    }`;
}

const nginx: Gateway = {
  name: 'nginx',
  configure: async (place) => {
    const at = (name: string) => join(place.directory, name);
    const text = withPlaces(documentedFile('nginx.conf'), {
      ...place.mistakes,
      ...brokerPlaces(place, (path) => `unix:${path}`),
      'application.internal:3000': `127.0.0.1:${place.applicationPort}`,
      '0.0.0.0:8080': `127.0.0.1:${place.port}`,
      '/etc/nginx/flowplate-key.conf': at('flowplate-key.conf'),
      ...(place.answersPreflight && { '# CORS: see "Preflight".': documentedFile('nginx-preflight.conf') }),
    });
    await writeFile(at('flowplate.conf'), text);
    const key = `proxy_set_header x-flowplate-master-key "${place.masterKey}";`;
    await writeFile(at('flowplate-key.conf'), key, { mode: 0o600 });
    await writeFile(at('nginx.conf'), frame(place.directory));
    return { args: ['-p', place.directory, '-e', 'stderr', '-c', at('nginx.conf')] };
  },
};

testGateway(nginx, (site) => {
  testDeprecation(site);

  test('a configuration that leaves the length with the check costs connections, and never a request', async () => {
    const { key } = await mint(site().broker);
    const url = await site().another({ mistakes: { 'proxy_set_header Content-Length "";': '' } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = site().link.taken();
    for (let round = 0; round < 20; round += 1) {
      const body = Buffer.from(`GET /stolen HTTP/1.1 ${round}`);
      const options = { method: 'POST', body, headers: { 'X-API-Key': key }, agent };
      expect((await decided(() => send(url, '/', options))).status).toBe(200);
      expect(site().application.received.at(-1)).toMatchObject({ method: 'POST', body: body.toString() });
    }
    expect(site().link.taken() - before).toBeGreaterThanOrEqual(20);
    agent.destroy();
  });

  test("the check's own location is not open to clients", async () => {
    const { key } = await mint(site().broker);
    const { status } = await site().send('/_flowplate', { headers: { 'X-API-Key': key } });
    expect(status).toBe(404);
  });
});
