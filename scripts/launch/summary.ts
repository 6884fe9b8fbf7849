import type { FirstKeys } from './first-keys.ts';

/** With keys only when this start created them. */
export type SummaryFacts = FirstKeys & { url: string; dataDir: string };

/** Default server of the command line. */
const usualUrl = 'http://127.0.0.1:9123';

/** Text for the user after the start. The curl lines work when pasted in order into a shell. */
export function summary({ url, dataDir, masterKey, tenantKey }: SummaryFacts): string {
  return `
Flowplate Keys is ready.

  URL         ${url}
  Portal      ${url}/platform/
  Data        ${dataDir}
  Master key  ${masterKey ?? 'shown at the first start; put it into FLOWPLATE_MASTER_KEY for the lines below'}
${masterKey === undefined ? '' : '              (shown this once: keep it now)\n'}
Mint, verify, revoke:

${curlLines(url, masterKey ?? '$FLOWPLATE_MASTER_KEY').join('\n')}
${tenantKey === undefined ? '' : createAdmin(url, tenantKey)}
Ctrl-C stops everything.
`;
}

/** A tenant key creates the first platform admin; no other credential can. */
function createAdmin(url: string, tenantKey: string): string {
  const server = url === usualUrl ? '' : ` --server ${url}`;
  return `
Create the first platform admin, with the first tenant key (shown this once, too):

FLOWPLATE_API_KEY="${tenantKey}" npx flowplate${server} platform create-admin --email you@example.com --name "You"
`;
}

// Uses sed, since a bare machine has no jq; it takes the member named exactly "key".
function curlLines(url: string, masterKey: string): string[] {
  const keys = `${url}/v1/flowplate/api-keys`;
  const master = `-H "x-flowplate-master-key: ${masterKey}"`;
  const post = `curl -sS ${master} -H "content-type: application/json"`;
  const mint = `${post} -d '{"user_id":"alice","organization_id":"acme"}' ${keys}`;
  return [
    `MINTED=$(${mint}); echo "$MINTED"; KEY=$(echo "$MINTED" | sed 's/.*"key": *"\\([^"]*\\)".*/\\1/')`,
    `${post} -d "{\\"key\\":\\"$KEY\\"}" ${keys}/verify; echo`,
    `curl -sS -X DELETE ${master} ${keys}/alice/acme; echo`,
  ];
}
