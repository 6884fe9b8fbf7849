export interface SummaryFacts {
  url: string;
  dataDir: string;
  /** Only when this start made it. */
  firstMasterKey: string | undefined;
}

/** What the person sees once everything runs. The three lines work when pasted one after another into a shell. */
export function summary({ url, dataDir, firstMasterKey }: SummaryFacts): string {
  return `
Flowplate Keys is ready.

  URL         ${url}
  Data        ${dataDir}
  Master key  ${firstMasterKey ?? 'shown at the first start; put it into FLOWPLATE_MASTER_KEY for the lines below'}
${firstMasterKey === undefined ? '' : '              (shown this once: keep it now)\n'}
Mint, verify, revoke:

${curlLines(url, firstMasterKey ?? '$FLOWPLATE_MASTER_KEY').join('\n')}

Ctrl-C stops everything.
`;
}

// Without jq, which a bare machine lacks: sed takes the one member named exactly "key".
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
