import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { documentedFile, withPlaces } from './documented-file.ts';
import { brokerPlaces, type Gateway } from './gateway.ts';
import { testGateway } from './matrix.ts';

/** So that it listens on the loopback interface only, and no other port. */
const frame = '{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n';

const caddy: Gateway = {
  name: 'caddy',
  configure: async (place) => {
    const text = withPlaces(documentedFile('Caddyfile'), {
      ...place.mistakes,
      ...brokerPlaces(place, (path) => `unix/${path}`),
      'application.internal:3000': `127.0.0.1:${place.applicationPort}`,
      ':8080 {': `:${place.port} {`,
      ...(place.answersPreflight && { '# CORS: see "Preflight".': documentedFile('Caddyfile-preflight') }),
    });
    const file = join(place.directory, 'Caddyfile');
    await writeFile(file, frame + text);
    return {
      args: ['run', '--config', file, '--adapter', 'caddyfile'],
      env: { FLOWPLATE_GATEWAY_KEY: place.masterKey },
    };
  },
};

testGateway(caddy);
