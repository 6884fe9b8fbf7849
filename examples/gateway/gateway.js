import { createServer, request } from 'node:http';
import { pipeline } from 'node:stream';
import { FlowplateVerifier } from '@flowplate/keys';
import { flowplateExpress, identityHeaders, verdictOf } from '@flowplate/keys/express';
import express from 'express';

/** Lets requests with a valid key through to one upstream and tells it whose they are. */
const { FLOWPLATE_URL, FLOWPLATE_MASTER_KEY, UPSTREAM_URL, PORT = '8080' } = process.env;

const verifier = new FlowplateVerifier({
  baseUrl: FLOWPLATE_URL,
  masterKey: FLOWPLATE_MASTER_KEY,
  onFault: (error) => say('fault', { error: `${error.name}: ${error.message}` }),
});
await verifier.start();

const app = express();
app.disable('x-powered-by');
app.get('/health', (_req, res) => void res.json({ status: 'live', lease_held: verifier.isLeaseHeld() }));
app.use(flowplateExpress(verifier));
app.use(forward);

const server = createServer(app).listen(Number(PORT), '127.0.0.1', () =>
  say('listening', { port: server.address().port }),
);

process.once('SIGTERM', () => {
  server.close(async () => {
    await verifier.close();
    say('stopped');
  });
  server.closeIdleConnections();
});

function forward(req, res) {
  const url = new URL(req.originalUrl, UPSTREAM_URL);
  // An absolute path in the request line must not choose another host.
  if (url.origin !== new URL(UPSTREAM_URL).origin) return void res.status(400).end();
  const upstream = request(url, { method: req.method, headers: upstreamHeaders(req) });
  upstream.on('response', (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    pipeline(answer, res, () => undefined);
  });
  upstream.on('error', () => (res.headersSent ? res.destroy() : res.status(502).end()));
  res.on('close', () => upstream.destroy());
  req.pipe(upstream);
}

/**
 * The client's own headers, less its key, what it may have forged, and what belongs to this
 * connection alone (RFC 9110 §7.6.1).
 */
function upstreamHeaders(req) {
  const dropped = new Set([
    ...['authorization', 'x-api-key', 'host', 'connection', 'keep-alive', 'te', 'upgrade'],
    ...['proxy-connection', 'proxy-authorization', 'trailer'],
    ...(req.headers.connection ?? '').toLowerCase().split(/[\s,]+/),
  ]);
  const kept = Object.entries(req.headers).filter(
    ([name]) => !dropped.has(name) && !name.startsWith('x-flowplate-'),
  );
  return { ...Object.fromEntries(kept), ...identityHeaders(verdictOf(req)) };
}

function say(msg, facts = {}) {
  process.stdout.write(`${JSON.stringify({ msg, ...facts })}\n`);
}
