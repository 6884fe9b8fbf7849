const readMsMax = 5_000;
const bytesMax = 1_048_576;

/** A document of public keys. No redirect is followed: the setting says where the keys are. */
export async function fetchKeys(url: URL): Promise<string> {
  const signal = AbortSignal.timeout(readMsMax);
  const response = await fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`the keys were answered with ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) throw new Error('the keys are too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
