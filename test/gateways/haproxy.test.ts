import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { choosePort } from '../../scripts/services/free-port.ts';
import { mint } from '../support/keys.ts';
import { testDeprecation } from './deprecation.ts';
import { documentedFile, withPlaces } from './documented-file.ts';
import { brokerPlaces, type Gateway } from './gateway.ts';
import { testGateway } from './matrix.ts';
import { send } from './send.ts';

const haproxy: Gateway = {
  name: 'haproxy',
  configure: async (place) => {
    const at = (name: string) => join(place.directory, name);
    const way = `127.0.0.1:${await choosePort(undefined, 'HAProxy')}`;
    const text = withPlaces(documentedFile('haproxy.cfg'), {
      ...brokerPlaces(place, (path) => `unix@${path}`),
      'application.internal:3000': `127.0.0.1:${place.applicationPort}`,
      '0.0.0.0:8080': `127.0.0.1:${place.port}`,
      '127.0.0.1:9129': way,
      '/etc/haproxy/flowplate.lua': at('flowplate.lua'),
      ...(place.answersPreflight && {
        '# CORS: see "Preflight".': documentedFile('haproxy-preflight.cfg'),
      }),
    });
    await writeFile(at('haproxy.cfg'), `${text}\n`);
    const script = withPlaces(documentedFile('flowplate.lua'), {
      ...place.mistakes,
      '127.0.0.1:9129': way,
    });
    await writeFile(at('flowplate.lua'), script);
    return {
      args: ['-db', '-f', at('haproxy.cfg')],
      env: { FLOWPLATE_GATEWAY_KEY: place.masterKey },
    };
  },
};

testGateway(haproxy, (site) => {
  testDeprecation(site);

  test('a script that fails lets nobody in', async () => {
    const { key } = await mint(site().broker);
    for (const mistake of ['error("broken")', 'return nil']) {
      const url = await site().another({
        mistakes: {
          'if answer.status == 200 then': `if answer then ${mistake} elseif answer.status == 200 then`,
        },
      });
      expect((await send(url, '/', { headers: { 'X-API-Key': key } })).status).toBe(503);
    }
  });
});
