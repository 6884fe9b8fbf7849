import { createServer } from 'node:net';

/**
 * The wanted port of the loopback interface, or an error in one sentence when it is taken. Without
 * a wanted port any free one. Another process may take it meanwhile, so callers must be ready to
 * retry.
 */
export async function choosePort(wanted: number | undefined, server: string): Promise<number> {
  if (wanted === undefined) return await listenOnce(0);
  if (await isPortFree(wanted)) return wanted;
  throw new Error(`Port ${wanted} is taken: choose another one for ${server}.`);
}

export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw err;
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(taken));
    });
  });
}
