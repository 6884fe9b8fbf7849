import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const bodyBytesMax = 262_144;

/**
 * A server that receives webhooks: it verifies the signature, and calls `handle` once for each
 * event. `seen` keeps the ids of handled events; use a table with a unique column.
 */
export function createReceiver({ secret, handle, seen = new Set() }) {
  const webhook = new Webhook(secret);
  return createServer(async (req, res) => {
    try {
      const body = await readBody(req);
      const event = webhook.verify(body, req.headers);
      const id = req.headers['webhook-id'];
      if (!seen.has(id)) {
        await handle(event);
        seen.add(id);
      }
      res.writeHead(204).end();
    } catch (error) {
      // 4xx and 5xx alike are tried again.
      res.writeHead(error.name === 'WebhookVerificationError' ? 401 : 500).end();
    }
  });
}

async function readBody(req) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

if (import.meta.main) {
  const { WEBHOOK_SECRET: secret, PORT: port = '8080' } = process.env;
  const handle = async (event) => process.stdout.write(`${event.type} ${event.data.target_id}\n`);
  createReceiver({ secret, handle }).listen(Number(port));
}
