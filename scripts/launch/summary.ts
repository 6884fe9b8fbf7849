import type { FirstKeys } from './first-keys.ts';
import { quoted } from './shell-settings.ts';

/** With keys only when this start created them. */
export type SummaryFacts = FirstKeys & { url: string; dataDir: string; shellFile: string };

/**
 * Text for the user after the start. The commands work when pasted in order into a shell. They name
 * variables instead of secrets, because a shell keeps a history of commands.
 */
export function summary({ url, dataDir, shellFile, masterKey, tenantKey }: SummaryFacts): string {
  return `
Flowplate Keys is ready.

  URL         ${url}
  Portal      ${url}/platform/
  Data        ${dataDir}
${keys({ masterKey, tenantKey })}
In another terminal, set FLOWPLATE_SERVER and FLOWPLATE_MASTER_KEY from a file that only you can read:

. ${quoted(shellFile)}

Mint, verify, revoke:

${curlLines.join('\n')}
${tenantKey === undefined ? '' : createAdmin}
Ctrl-C stops everything.
`;
}

function keys({ masterKey, tenantKey }: FirstKeys): string {
  const made = [
    ['Master key', masterKey],
    ['Tenant key', tenantKey],
  ].filter(([, key]) => key !== undefined);
  if (made.length === 0) return '';
  const lines = made.map(([name, key]) => `  ${name}  ${key}\n`);
  return `${lines.join('')}              (shown this once, and kept in the file below)\n`;
}

/** A tenant key creates the first platform admin; no other credential can. */
const createAdmin = `
Create the first platform admin:

FLOWPLATE_API_KEY="$FLOWPLATE_TENANT_KEY" npx flowplate platform create-admin --email you@example.com --name "You"
`;

const api = '"$FLOWPLATE_SERVER/v1/flowplate/api-keys';
const master = '-H "x-flowplate-master-key: $FLOWPLATE_MASTER_KEY"';
const post = `curl -sS ${master} -H "content-type: application/json"`;

// Uses sed, since a bare machine has no jq; it takes the member named exactly "key".
const curlLines = [
  `MINTED=$(${post} -d '{"user_id":"alice","organization_id":"acme"}' ${api}"); echo "$MINTED"; KEY=$(echo "$MINTED" | sed 's/.*"key": *"\\([^"]*\\)".*/\\1/')`,
  `${post} -d "{\\"key\\":\\"$KEY\\"}" ${api}/verify"; echo`,
  `curl -sS -X DELETE ${master} ${api}/alice/acme"; echo`,
];
